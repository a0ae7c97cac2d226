"""Requests to the other servers of a namespace, and their answers."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from trio_socketio._signal import Signal

__all__ = ["Request", "Requests"]


R = TypeVar("R", bound="Request")

#: From how many servers a request takes answers. More must be an attack.
MOST_ANSWERS = 10_000


class Request:
    """A request that waits for answers.

    Attributes:
        id: the id of the request, which answers repeat.
        waiting: the ids of the servers that have not answered; empty if the bus does not know the servers.
        expected: how many answers of unknown servers there will be, besides those of ``waiting``.
        answers: the answers, in the order in which they came.
        obstacle: why the request was not published; empty: it was.
    """

    def __init__(self) -> None:
        self.id = os.urandom(8).hex()
        self.waiting: set[str] = set()
        self.expected = 0
        self.answers: list[Any] = []
        self.obstacle = ""
        self._answered: set[str] = set()
        self._signal = Signal()

    def expect(self, servers: Collection[str] | int) -> None:
        """Set the servers that will answer: their ids, or their number. Some may have answered already."""
        if isinstance(servers, int):
            self.expected = max(servers - len(self._answered), 0)
        else:
            self.waiting, self.expected = set(servers) - self._answered, 0
        self._signal.set()

    @property
    def missing_count(self) -> int:
        """The number of servers that have not answered."""
        return len(self.waiting) + self.expected

    @property
    def is_complete(self) -> bool:
        """Whether no further answer is awaited."""
        return not self.missing_count

    def answer(self, server: str, value: Any) -> bool:
        """Take the answer of a server; returns False if it has answered already, or too many have."""
        if server in self._answered or len(self._answered) >= MOST_ANSWERS:
            return False
        self._answered.add(server)
        self.answers.append(value)
        if server in self.waiting:
            self.waiting.discard(server)
        elif self.expected:
            self.expected -= 1
        self._signal.set()
        return True

    def give_up(self, server: str) -> None:
        """Stop waiting for a server, because it has left."""
        self.waiting.discard(server)
        self._signal.set()

    def changed(self) -> None:
        """Let ``wait`` look again whether the request is complete."""
        self._signal.set()

    async def wait(self) -> None:
        """Wait until the request is complete. One task may wait."""
        while not self.is_complete:
            await self._signal.wait()


class Requests:
    """The pending requests of one namespace, by id. Answers to other requests are ignored."""

    def __init__(self) -> None:
        self._pending: dict[str, Request] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def __iter__(self) -> Iterator[Request]:
        return iter(list(self._pending.values()))

    @contextmanager
    def open(self, request: Request) -> Iterator[None]:
        """Take answers to a request during this block."""
        self._pending[request.id] = request
        try:
            yield
        finally:
            del self._pending[request.id]

    def is_pending(self, request_id: str) -> bool:
        """Return whether answers to a request are taken."""
        return request_id in self._pending

    def get(self, request_id: str, kind: type[R]) -> R | None:
        """Return a pending request of a kind; None if there is none."""
        request = self._pending.get(request_id)
        return request if isinstance(request, kind) else None

    def give_up(self, server: str) -> None:
        """Let no request wait for a server any more."""
        for request in self:
            request.give_up(server)
