"""The adapter of one server in a cluster: the bus, its queue and its tasks, which all namespaces share."""

from __future__ import annotations

import logging
import os
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from math import inf
from typing import TYPE_CHECKING, Any

import trio

from trio_socketio._adapter_health import AdapterHealth, AdapterState
from trio_socketio.adapters._members import NamespaceHost
from trio_socketio.adapters._server_adapter import ServerAdapter, ServerHost
from trio_socketio.adapters.cluster._bus import Bus
from trio_socketio.adapters.cluster._census import Census
from trio_socketio.adapters.cluster._counters import Counters
from trio_socketio.adapters.cluster._link import Link
from trio_socketio.adapters.cluster._presence import Heartbeats
from trio_socketio.adapters.cluster._queue import PublishQueue
from trio_socketio.adapters.cluster._seal import NoSeal, Seal
from trio_socketio.adapters.cluster._subscriptions import Receive, Subscriptions
from trio_socketio.adapters.cluster._wire import Malformed
from trio_socketio.errors import LocalProtocolError

if TYPE_CHECKING:
    from trio_socketio.adapters.cluster._adapter import ClusterAdapter

__all__ = ["Cluster"]

LOG = logging.getLogger("trio_socketio.adapter")

#: How many tasks answer other servers at the same time. Each waits for acknowledgements of clients.
MOST_TASKS = 1000

#: How long a server keeps its id at least, in seconds, so that false heartbeats do not change it all the time.
SHORTEST_NAME = 10.0


class Cluster(ServerAdapter):
    """One server's part in a cluster. Derive from it, and make the adapters of namespaces in ``make``.

    Args:
        bus: the bus. It serves this server only.
        requests_timeout: how long to wait for the answers of other servers, in seconds.
        heartbeat_interval: how long after the last message of a namespace a heartbeat is published, in seconds. Buses
            that count subscribers need no heartbeats.
        heartbeat_timeout: after how many seconds of silence a server is taken for dead.
        link_timeout: how long one call of the bus may take, in seconds.
        down_after: after how many seconds without a link the state is ``DOWN``.
        queue_packets: how many messages may wait to be published.
        queue_bytes: how many bytes these messages may have.
        max_receive_bytes: the largest message that is accepted; None: as large as the bus publishes.
        secret: a key of at least 16 bytes that all servers share. Messages without its HMAC are ignored. Then servers
            and emitters of Node cannot take part.

    Attributes:
        uid: the id of this server: 16 hexadecimal digits.
        nonce: a random number in heartbeats. It tells this server's own messages from those of one with the same id.
        bus: the bus.
        counters: the counters that ``health`` returns.
        queue: the messages that wait to be published.
        most_unsealed_bytes: messages of so many bytes, or fewer, need no ``seal``; negative: all need it.
        requests_timeout: how long to wait for the answers of other servers, in seconds.
        heartbeats: the heartbeats; None if the bus counts subscribers.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        requests_timeout: float = 5.0,
        heartbeat_interval: float = 5.0,
        heartbeat_timeout: float = 10.0,
        link_timeout: float = 10.0,
        down_after: float = 5.0,
        queue_packets: int = 10_000,
        queue_bytes: int = 16_777_216,
        max_receive_bytes: int | None = None,
        secret: bytes | None = None,
    ) -> None:
        self.uid = os.urandom(8).hex()
        self.nonce = os.urandom(8).hex()
        self.bus = bus
        self.requests_timeout = requests_timeout
        self.counters = Counters()
        self.queue = PublishQueue(queue_packets, queue_bytes, self.counters)
        self.heartbeats: Heartbeats | None = None
        if not bus.counts_subscribers:
            self.heartbeats = Heartbeats(heartbeat_interval, heartbeat_timeout, lambda: self.is_up)
        self._seal = NoSeal() if secret is None else Seal(secret)
        self.most_unsealed_bytes = bus.max_publish_bytes if secret is None else -1
        self._max_receive_bytes = bus.max_publish_bytes if max_receive_bytes is None else max_receive_bytes
        self._adapters: dict[str, ClusterAdapter[Any]] = {}
        self._subscriptions = Subscriptions()
        self._link = Link(
            bus,
            self.queue,
            self._subscriptions,
            self.counters,
            Census(self._count_servers) if bus.counts_subscribers and not bus.keeps_history else None,
            timeout=link_timeout,
            down_after=down_after,
            changed=self._state_changed,
        )
        self._host: ServerHost | None = None
        self._nursery: trio.Nursery | None = None
        self._tasks = 0
        self._renamed_at = -inf

    # the server

    def make(self, host: NamespaceHost[Any]) -> ClusterAdapter[Any]:
        """See ``ServerAdapter.make``. Derived classes implement ``make_adapter``."""
        adapter = self._adapters[host.name] = self.make_adapter(host)
        adapter.begin()
        return adapter

    @abstractmethod
    def make_adapter(self, host: NamespaceHost[Any]) -> ClusterAdapter[Any]:
        """Make the adapter of a namespace."""

    def start(self) -> None:
        """See ``ServerAdapter.start``. The messages are counted as dropped."""
        self.queue.abandon()

    async def run(self, host: ServerHost) -> None:
        """See ``ServerAdapter.run``."""
        self._host = host
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                if self.heartbeats is not None:
                    nursery.start_soon(self.heartbeats.run, name="cluster heartbeats")
                await self._link.run(self._deliver)
        finally:
            self._nursery = None

    async def stop(self) -> None:
        """See ``ServerAdapter.stop``. While the link is being renewed, wait for it for a second."""
        if self.queue.packets and not self.is_up and not self.is_down:
            with trio.move_on_after(1):
                await self.ready()
        if self.is_up:
            for adapter in self._adapters.values():
                adapter.say_goodbye()
            await self.queue.drained()
        else:
            await trio.lowlevel.checkpoint()

    def health(self) -> AdapterHealth:
        """See ``ServerAdapter.health``."""
        counters = self.counters
        return AdapterHealth(
            state=self._link.state,
            queued_packets=self.queue.packets,
            queued_bytes=self.queue.size_bytes,
            published=counters.published,
            received=counters.received,
            dropped=counters.dropped,
            unconfirmed=counters.unconfirmed,
            gaps=counters.gaps,
            rejected=dict(counters.rejected),
        )

    def _state_changed(self, state: AdapterState, reason: Exception | None) -> None:
        level = logging.INFO if state is AdapterState.UP else logging.WARNING
        why = "" if reason is None else f": {type(reason).__name__}: {reason}"
        LOG.log(level, "the link to the cluster is %s%s", state, why)
        assert self._host is not None
        self._host.adapter_state_changed(state)

    # the adapters of namespaces

    @property
    def is_up(self) -> bool:
        """Whether messages are published and received now."""
        return self._link.state is AdapterState.UP

    @property
    def is_down(self) -> bool:
        """Whether there has been no link for some seconds."""
        return self._link.state is AdapterState.DOWN

    async def _count_servers(self) -> int:
        """Return how many servers have the first namespace, this one included."""
        return await self.bus.count(next(iter(self._adapters.values())).main_channel)

    @property
    def write_timeout(self) -> float:
        """How long to wait for room in the queue, in seconds."""
        return 0.0 if self._host is None else self._host.write_timeout

    async def ready(self) -> None:
        """Wait for a link on which all channels were subscribed to."""
        await self._link.ready()

    @property
    def is_sealed(self) -> bool:
        """Whether messages have a seal, because the servers share a secret."""
        return self._seal.size > 0

    def seal(self, channel: str, payload: bytes) -> bytes:
        """Return a message as it is published, if it is small enough.

        Raises:
            LocalProtocolError: it is larger than ``Bus.max_publish_bytes``.
        """
        seal = self._seal
        size = len(payload) + seal.size
        if size > self.bus.max_publish_bytes:
            raise LocalProtocolError(
                f"a message of {size} bytes to other servers exceeds max_publish_bytes={self.bus.max_publish_bytes}"
            )
        return seal.seal(channel, payload) if seal.size else payload

    async def publish(self, channel: str, sealed: bytes) -> bool:
        """Publish a sealed message, when there is room in the queue; see ``PublishQueue.put_waiting``."""
        return await self.queue.put_waiting(channel, sealed, self.write_timeout)

    def subscribe(self, channel: str, receive: Receive, subscribed: Callable[[], None] | None = None) -> None:
        """Receive the messages of a channel; see ``Subscriptions.add``.

        ``receive`` takes the channel and the unsealed message. It raises ``Malformed`` for a message that it ignores.
        """
        self._subscriptions.add(channel, receive, subscribed)

    def unsubscribe(self, channel: str) -> None:
        """Stop receiving the messages of a channel."""
        self._subscriptions.remove(channel)

    def reject(self, kind: str) -> None:
        """Count a received message that is ignored. The first of each kind is logged."""
        if kind not in self.counters.rejected:
            LOG.warning(
                "a message from the cluster is ignored (%s); the others of this kind are counted", kind
            )
        self.counters.rejected[kind] += 1

    def rename(self) -> None:
        """Take a new id, because another server has the same one: at most once in ten seconds."""
        now = trio.current_time()
        if now < self._renamed_at + SHORTEST_NAME:
            return
        self._renamed_at = now
        former, self.uid = self.uid, os.urandom(8).hex()
        LOG.warning("another server of the cluster has the id %s, too: this one is now %s", former, self.uid)
        for adapter in self._adapters.values():
            adapter.renamed(former)

    @property
    def is_busy(self) -> bool:
        """Whether ``spawn`` refuses tasks."""
        return self._nursery is None or self._tasks >= MOST_TASKS

    def spawn(self, function: Callable[..., Awaitable[object]], *args: Any) -> bool:
        """Start a task that answers another server; returns False if there are too many. A stop cancels it."""
        if self._nursery is None or self.is_busy:
            return False
        self._tasks += 1
        self._nursery.start_soon(self._contained, function, args, name="answer to a server")
        return True

    async def _contained(self, function: Callable[..., Awaitable[object]], args: tuple[Any, ...]) -> None:
        try:
            await function(*args)
        except Exception:
            LOG.critical("internal error", exc_info=True)
        finally:
            self._tasks -= 1

    # receiving

    def _deliver(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Take messages from the bus. Whatever they are, the tasks of the link go on."""
        receiver, most_bytes, is_sealed = (
            self._subscriptions.receiver,
            self._max_receive_bytes,
            self.is_sealed,
        )
        for channel, payload in messages:
            receive = receiver(channel)
            if receive is None:
                continue  # the channel was unsubscribed from meanwhile
            try:
                if len(payload) > most_bytes:
                    raise Malformed("oversized")
                receive(channel, self._seal.unseal(channel, payload) if is_sealed else payload)
            except Malformed as error:
                self.reject(error.kind)
            except LocalProtocolError:  # an event that cannot be encoded for clients
                self.reject("invalid")
            except Exception:
                LOG.critical("internal error", exc_info=True)
                self.reject("internal error")
