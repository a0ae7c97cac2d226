"""A namespace: its handlers, its middlewares, its sockets and their rooms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from trio_socketio._core import Message
from trio_socketio.handlers import HandlerFunction
from trio_socketio.server._from_thread import FromThread
from trio_socketio.server._listening import Listening, NamespaceHandlers
from trio_socketio.server._operators import Answers, BroadcastOperator, Rooms
from trio_socketio.server._registration import require_middleware
from trio_socketio.server._socket import Socket
from trio_socketio.socketio import MAX_ACK_ID, RoomIndex, Target, encode_ack, encode_event, packet_writer

if TYPE_CHECKING:
    from trio_socketio.server._server import Server

__all__ = ["Emitter", "Namespace"]

#: So often, and after so many bytes, ``emit`` waits until what it has queued is written: else a loop of broadcasts
#: would fill the outboxes of clients that do read. Waiting each time would cost fifteen times the writes.
EMITS_BETWEEN_FLUSHES, BYTES_BETWEEN_FLUSHES = 32, 65_536

F = TypeVar("F", bound=HandlerFunction)


class Emitter(ABC):
    """What a server and a namespace have in common: everybody is chosen until somebody is."""

    @abstractmethod
    def _operator(self) -> BroadcastOperator:
        """An operator that chooses everybody."""

    def to(self, *rooms: Rooms) -> BroadcastOperator:
        """The sockets in any of these rooms, each once; ``to([])`` reaches nobody."""
        return self._operator().to(*rooms)

    in_ = to

    def except_(self, *rooms: Rooms) -> BroadcastOperator:
        """Everybody who is in none of these rooms."""
        return self._operator().except_(*rooms)

    @property
    def volatile(self) -> BroadcastOperator:
        """Dropped for those who cannot take it at once."""
        return self._operator().volatile

    @property
    def local(self) -> BroadcastOperator:
        """Not passed on to other servers."""
        return self._operator().local

    def compress(self, compress: bool) -> BroadcastOperator:
        """Whether the message may be compressed, where clients and options allow for it."""
        return self._operator().compress(compress)

    @property
    def from_thread(self) -> FromThread:
        """For emits from other threads, and from callbacks that no Trio task runs."""
        return self._operator().from_thread

    def emit_nowait(self, event: str | float, *args: Any) -> None:
        """See ``BroadcastOperator.emit_nowait``."""
        self._operator().emit_nowait(event, *args)

    async def emit(self, event: str | float, *args: Any) -> None:
        """See ``BroadcastOperator.emit``."""
        await self._operator().emit(event, *args)

    async def send(self, *args: Any) -> None:
        """``emit("message", *args)``."""
        await self._operator().send(*args)

    async def call(self, event: str | float, *args: Any, timeout: float) -> Answers:
        """See ``BroadcastOperator.call``."""
        return await self._operator().call(event, *args, timeout=timeout)

    async def fetch_sockets(self) -> list[Socket]:
        """The connected sockets."""
        return await self._operator().fetch_sockets()

    async def sockets_join(self, *rooms: Rooms) -> None:
        """Let all sockets join rooms."""
        await self._operator().sockets_join(*rooms)

    async def sockets_leave(self, *rooms: Rooms) -> None:
        """Let all sockets leave rooms."""
        await self._operator().sockets_leave(*rooms)

    async def disconnect_sockets(self, close: bool = False) -> None:
        """Disconnect all sockets; see ``Socket.disconnect``."""
        await self._operator().disconnect_sockets(close)

    async def server_side_emit(self, event: str, *args: Any) -> None:
        """See ``BroadcastOperator.server_side_emit``."""
        await self._operator().server_side_emit(event, *args)


class Sockets(Mapping[str, "Socket"]):
    """Sockets by id. To go through them is to go through a copy: they may be disconnected meanwhile."""

    __slots__ = ("_sockets",)

    def __init__(self, sockets: dict[str, Socket]) -> None:
        self._sockets = sockets

    def __repr__(self) -> str:
        return repr(self._sockets)

    def __len__(self) -> int:
        return len(self._sockets)

    def __getitem__(self, socket_id: str) -> Socket:
        return self._sockets[socket_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sockets.copy())

    def values(self) -> ValuesView[Socket]:
        return self._sockets.copy().values()

    def items(self) -> ItemsView[str, Socket]:
        return self._sockets.copy().items()


def _nothing(event: object, args: tuple[Any, ...], ack_id: int | None = None) -> None:
    """The short way of encoding, where there is none: its messages have no key."""


class Namespace(Listening, Emitter):
    """One namespace of a server; made by ``Server.of``.

    Attributes:
        name: begins with a slash.
        server: whose it is.
    """

    def __init__(self, server: Server, name: str) -> None:
        self.name = name
        self.server = server
        self._handlers = NamespaceHandlers(Socket)
        self._middlewares: list[HandlerFunction] = []
        self._index: RoomIndex[Socket] = RoomIndex()
        self._ack_ids = 0
        self._broadcasts = self._broadcast_bytes = 0
        self._packets = packet_writer(name)
        self._keyed = server.config.outbox.policy == "latest_per_event"
        #: encodes what is plain, the short way; None otherwise
        self._encode_plain = _nothing if self._keyed else self._packets.event

    def __repr__(self) -> str:
        return f"<Namespace {self.name!r} with {len(self._index)} sockets>"

    @property
    def sockets(self) -> Mapping[str, Socket]:
        """The sockets by id, from CONNECT until their ``disconnecting`` handlers have run."""
        return Sockets(self._index.members)

    # handlers

    def _table(self) -> NamespaceHandlers:
        return self._handlers

    def use(self, middleware: F) -> F:
        """Run ``middleware(socket)`` for each CONNECT, in the order of registration, before it is answered.

        An exception refuses the client: ``ConnectRefused`` with its own message, any other with
        ``Internal server error``. It is cancelled when the client goes away. What it returns does not matter.

        Raises:
            TypeError: it cannot be called with the socket alone.
        """
        require_middleware(middleware, Socket)
        self._middlewares.append(middleware)
        return middleware

    # sending

    def _operator(self) -> BroadcastOperator:
        return BroadcastOperator(self, Target())

    def _broadcast(self, message: Message, target: Target) -> None:
        """Queue one message for all who are chosen. Nothing is called back before all have it."""
        full = self._index.broadcast(message, target)
        if full:
            self.server._require_runtime().overflowed(socket._client for socket in full)

    async def _after_broadcast(self, message: Message) -> None:
        self._broadcasts += 1
        self._broadcast_bytes += len(message)
        if self._broadcasts >= EMITS_BETWEEN_FLUSHES or self._broadcast_bytes >= BYTES_BETWEEN_FLUSHES:
            self._broadcasts = self._broadcast_bytes = 0
            await self.server._require_runtime().host.flushed()

    async def _call(self, event: object, args: tuple[Any, ...], target: Target, timeout: float) -> Answers:
        """Broadcast an event under one ack id, and wait for all who got it."""
        ack_id = self._next_ack_id()
        message = self._encode(event, args, ack_id)
        chosen = [socket for socket in self._index.select(target) if socket.connected]
        calls = {socket: socket._expect(ack_id) for socket in chosen}
        try:
            self._broadcast(message, target)
            with trio.move_on_after(timeout):
                for call in calls.values():
                    await call.signal.wait()
        finally:
            for socket in calls:
                socket._forget(ack_id)
        answered = {socket.id: call.value for socket, call in calls.items() if call.answer is not None}
        return Answers(answered, frozenset(socket.id for socket in calls if socket.id not in answered))

    def _encode(self, event: object, args: tuple[Any, ...], ack_id: int | None = None) -> Message:
        return self._encode_plain(event, args, ack_id) or self._encode_other(event, args, ack_id)

    def _encode_other(self, event: object, args: tuple[Any, ...], ack_id: int | None = None) -> Message:
        """Encode what ``_encode_plain`` does not, such as binary."""
        return encode_event(event, args, self.name, ack_id, keyed=self._keyed)

    def _encode_ack(self, ack_id: int, values: tuple[Any, ...]) -> Message:
        message = self._packets.ack(ack_id, values)
        return encode_ack(self.name, ack_id, values) if message is None else message

    def _next_ack_id(self) -> int:
        ack_id = self._ack_ids
        self._ack_ids = 0 if ack_id == MAX_ACK_ID else ack_id + 1
        return ack_id
