"""The internal state of a namespace: its handlers, its encoders, its adapter. It is the adapter's host."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import trio

from trio_socketio._core import Message
from trio_socketio.adapters import Adapter, RoomEvent, RoomObserver
from trio_socketio.handlers import HandlerFunction
from trio_socketio.server._listening import NamespaceHandlers
from trio_socketio.server._operators import PublicMember
from trio_socketio.server._server_events import ServerEvents
from trio_socketio.socketio import MAX_ACK_ID, encode_ack, encode_event, packet_writer

if TYPE_CHECKING:
    from trio_socketio.server._namespace import Namespace
    from trio_socketio.serving import BaseRuntime

__all__ = ["NamespaceState"]


def _never_plain(event: object, args: tuple[Any, ...], ack_id: int | None = None) -> None:
    """Stand in for the fast encoder when messages need a key, because the fast encoder sets none."""


class NamespaceState:
    """The internal state of a ``Namespace``. It is the host of the namespace's adapter.

    Args:
        name: the name of the namespace. It begins with a slash.
        handlers: the handlers for the events of all its sockets.
        keyed: whether messages need the key of their event, for the outbox policy ``latest_per_event``.
        require_runtime: returns the running server's runtime, or raises ``RuntimeError``.

    Attributes:
        name: the name of the namespace. It begins with a slash.
        handlers: the handlers for the events of all its sockets.
        middlewares: the functions that run for each CONNECT.
        rooms_apart: the rooms of sockets that are not in the adapter: before ``enter``, and after ``make_way``.
        server_events: the handlers for events of other servers.
        public: the public ``Namespace``.
        adapter: the adapter, which keeps the sockets and their rooms.
        log: the server's logger.
        require_runtime: returns the running server's runtime, or raises ``RuntimeError``.
        is_keyed: whether messages have a key, by which outboxes find others of the same event.
        encode_plain: encodes events with plain arguments fast, and returns None for others.
    """

    public: Namespace
    adapter: Adapter[PublicMember]

    def __init__(
        self,
        name: str,
        handlers: NamespaceHandlers,
        *,
        keyed: bool,
        require_runtime: Callable[[], BaseRuntime],
    ) -> None:
        self.name = name
        self.handlers = handlers
        self.middlewares: list[HandlerFunction] = []
        self.require_runtime = require_runtime
        self.log = logging.getLogger("trio_socketio.socket")
        self.is_keyed = keyed
        self._room_observers: list[tuple[RoomEvent, RoomObserver]] = []
        self._packets = packet_writer(name)
        self.encode_plain = _never_plain if keyed else self._packets.event
        self._ack_ids = 0
        self.server_events = ServerEvents(name, self.log)
        self.rooms_apart: dict[PublicMember, set[str]] = {}

    # the adapter

    def set_adapter(self, adapter: Adapter[PublicMember]) -> None:
        """Use this adapter, before any socket has connected."""
        self.adapter = adapter
        for event, observer in self._room_observers:
            adapter.on_room(event, observer)

    def on_room(self, event: RoomEvent, observer: RoomObserver) -> None:
        """Call a function for an event of rooms."""
        self._room_observers.append((event, observer))
        self.adapter.on_room(event, observer)

    # messages

    def encode(self, event: object, args: tuple[Any, ...], ack_id: int | None = None) -> Message:
        """Encode an event.

        Raises:
            ReservedEventError: the name is Socket.IO's own.
            LocalProtocolError: the arguments cannot be encoded.
        """
        return self.encode_plain(event, args, ack_id) or self.encode_other(event, args, ack_id)

    def encode_other(self, event: object, args: tuple[Any, ...], ack_id: int | None = None) -> Message:
        """Encode an event that ``encode_plain`` does not encode, such as one with binary."""
        return encode_event(event, args, self.name, ack_id, keyed=self.is_keyed)

    def encode_ack(self, ack_id: int, values: tuple[Any, ...]) -> Message:
        """Encode an acknowledgement."""
        message = self._packets.ack(ack_id, values)
        return encode_ack(self.name, ack_id, values) if message is None else message

    def next_ack_id(self) -> int:
        """Return an id for the acknowledgements of one event. After the largest id, ids start again at 0."""
        ack_id = self._ack_ids
        self._ack_ids = 0 if ack_id == MAX_ACK_ID else ack_id + 1
        return ack_id

    # the host of the adapter

    @property
    def nursery(self) -> trio.Nursery:
        """See ``NamespaceHost.nursery``."""
        return self.require_runtime().nursery

    def server_event(self, event: str, args: list[Any], respond: Callable[[Any], None] | None) -> bool:
        """See ``NamespaceHost.server_event``."""
        return self.server_events.take(self.require_runtime(), event, args, respond)

    def report(self, calls: Iterable[tuple[Callable[..., object], tuple[Any, ...]]]) -> None:
        """See ``NamespaceHost.report``."""
        runtime = self.require_runtime()
        runtime.engine.endings.tell([(runtime.call_observer, call) for call in calls])

    async def flushed(self) -> None:
        """See ``NamespaceHost.flushed``."""
        await self.require_runtime().host.flushed()

    def overflowed(self, members: Iterable[PublicMember]) -> None:
        """See ``NamespaceHost.overflowed``."""
        self.require_runtime().overflowed.disconnect(member.peer for member in members)
