"""Heartbeats: which other servers have a namespace, for buses that do not count subscribers.

Source: ``ClusterAdapterWithHeartbeat`` of Node's package socket.io-adapter 2.5.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from math import inf
from typing import Protocol

import trio

from trio_socketio._signal import Signal

__all__ = ["Heartbeats", "Nodes"]

#: How many initial heartbeats of a namespace are answered at once in a second. One answer is for all others.
ANSWERS_A_SECOND = 100


class Beating(Protocol):
    """The adapter of a namespace, which takes part in heartbeats."""

    nodes: Nodes

    def heartbeat(self, *, initial: bool) -> None:
        """Publish a heartbeat."""


class Nodes:
    """The other servers that have a namespace.

    Attributes:
        seen: when each server was last heard of, by id.
        published: when this server has last published to the namespace.
        answered: how many initial heartbeats were answered since ``answered_since``.
        answered_since: when this server has begun to count answers.
        timed: the servers with an entry in the heap of ``Heartbeats``.
    """

    __slots__ = ("_lost", "answered", "answered_since", "published", "seen", "timed")

    #: How many servers a namespace has at most. More must be an attack.
    MOST = 10_000

    def __init__(self, lost: Callable[[str], None]) -> None:
        self.seen: dict[str, float] = {}
        self.published = 0.0
        self.answered, self.answered_since = 0, -inf
        self.timed: set[str] = set()
        self._lost = lost

    def remove(self, uid: str) -> None:
        """Forget a server, and let no request wait for it."""
        if self.seen.pop(uid, None) is not None:
            self._lost(uid)


class Heartbeats:
    """Publishes heartbeats for all namespaces of a server, and forgets servers that are silent.

    One task serves all namespaces. Each has one entry in a heap for its next heartbeat, and each of its servers one for
    its expiry. An entry is checked again when it is due, so that messages do not touch the heap.

    Args:
        interval: how long after the last message of a namespace its heartbeat is published, in seconds.
        timeout: after how many seconds of silence a server is forgotten.
        is_up: returns whether there is a link. Without one, no server is forgotten.
    """

    def __init__(self, interval: float, timeout: float, is_up: Callable[[], bool]) -> None:
        self._interval, self._timeout = interval, timeout
        self._is_up = is_up
        self._up_since = 0.0
        self._heap: list[tuple[float, int, Beating, str | None]] = []
        self._numbers = count()
        self._beating: set[Beating] = set()
        self._owed: set[Beating] = set()  # they have one more entry without a server in the heap
        self._signal = Signal()

    def _push(self, deadline: float, adapter: Beating, uid: str | None) -> None:
        heapq.heappush(self._heap, (deadline, next(self._numbers), adapter, uid))
        if self._heap[0][0] == deadline:
            self._signal.set()

    def subscribed(self, adapter: Beating) -> None:
        """Announce this server to the others of a namespace, because its channel has just been subscribed to."""
        adapter.heartbeat(initial=True)
        self._up_since = trio.current_time()
        if adapter not in self._beating:
            self._beating.add(adapter)
            self._push(adapter.nodes.published + self._interval, adapter, None)

    def asked(self, adapter: Beating) -> None:
        """Answer the initial heartbeat of another server at once, or a little later together with many others."""
        nodes, now = adapter.nodes, trio.current_time()
        if now >= nodes.answered_since + 1:
            nodes.answered, nodes.answered_since = 0, now
        nodes.answered += 1
        if nodes.answered <= ANSWERS_A_SECOND:
            adapter.heartbeat(initial=False)
        elif adapter not in self._owed:
            self._owed.add(adapter)
            self._push(nodes.answered_since + 1, adapter, None)

    def heard(self, adapter: Beating, uid: str) -> bool:
        """Note that another server of a namespace has sent a message; returns False if there are too many servers."""
        nodes, now = adapter.nodes, trio.current_time()
        if uid not in nodes.timed:
            if len(nodes.timed) >= Nodes.MOST:
                return False
            nodes.timed.add(uid)
            self._push(now + self._timeout, adapter, uid)
        nodes.seen[uid] = now
        return True

    async def run(self) -> None:
        """Publish heartbeats and forget silent servers until cancelled."""
        while True:
            with trio.move_on_at(self._heap[0][0] if self._heap else inf):
                await self._signal.wait()
            now = trio.current_time()
            while self._heap and self._heap[0][0] <= now:
                _, _, adapter, uid = heapq.heappop(self._heap)
                if uid is None:
                    self._beat(adapter, now)
                else:
                    self._check(adapter, uid, now)

    def _beat(self, adapter: Beating, now: float) -> None:
        is_owed = adapter in self._owed
        if is_owed or now >= adapter.nodes.published + self._interval:
            if self._is_up():
                adapter.heartbeat(initial=False)
            else:
                adapter.nodes.published = now  # without a link, heartbeats would fill the queue
        if is_owed:
            self._owed.discard(adapter)  # one of its two entries is left
        else:
            self._push(adapter.nodes.published + self._interval, adapter, None)

    def _check(self, adapter: Beating, uid: str, now: float) -> None:
        nodes = adapter.nodes
        expiry = max(nodes.seen.get(uid, -inf), self._up_since) + self._timeout
        if uid in nodes.seen and not self._is_up():
            expiry = now + self._timeout
        if uid in nodes.seen and now < expiry:
            self._push(expiry, adapter, uid)
        else:
            nodes.timed.discard(uid)
            nodes.remove(uid)
