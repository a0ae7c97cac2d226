"""A namespace: its handlers, its middlewares, its sockets and their rooms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from trio_socketio._core import Message, PushStatus
from trio_socketio.server._handlers import HandlerFunction, HandlerTable, Listening
from trio_socketio.server._operators import Answers, BroadcastOperator, Rooms
from trio_socketio.socketio import MAX_ACK_ID, RoomIndex, Target, encode_event

if TYPE_CHECKING:
    from trio_socketio.server._client import Client
    from trio_socketio.server._server import Server
    from trio_socketio.server._socket import Socket

__all__ = ["Emitter", "Namespace"]

F = TypeVar("F", bound=HandlerFunction)


class Emitter(ABC):
    """What a server and a namespace have in common: everybody is chosen until somebody is."""

    @abstractmethod
    def _operator(self) -> BroadcastOperator:
        """An operator that chooses everybody."""

    def to(self, *rooms: Rooms) -> BroadcastOperator:
        """Those in any of these rooms; each socket once."""
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
        """Whether the message may be compressed. Without effect so far: nothing is."""
        return self._operator().compress(compress)

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


class Namespace(Listening, Emitter):
    """One namespace of a server; made by ``Server.of``.

    Attributes:
        name: begins with a slash.
        server: whose it is.
    """

    def __init__(self, server: Server, name: str) -> None:
        self.name = name
        self.server = server
        self._handlers = HandlerTable(takes_socket=True)
        self._middlewares: list[HandlerFunction] = []
        self._index: RoomIndex[Socket] = RoomIndex()
        self._sockets: dict[str, Socket] = {}
        self._ack_ids = 0

    def __repr__(self) -> str:
        return f"<Namespace {self.name!r} with {len(self._sockets)} sockets>"

    @property
    def sockets(self) -> Mapping[str, Socket]:
        """The sockets by id, from CONNECT until their ``disconnecting`` handlers have run."""
        return MappingProxyType(self._sockets)

    # handlers

    def _table(self) -> HandlerTable:
        return self._handlers

    def use(self, middleware: F) -> F:
        """Run ``middleware(socket)`` for each CONNECT, in the order of registration, before it is answered.

        An exception refuses the client: ``ConnectRefused`` with its own message, any other with
        ``Internal server error``. It is cancelled when the client goes away.
        """
        self._middlewares.append(middleware)
        return middleware

    # sending

    def _operator(self) -> BroadcastOperator:
        return BroadcastOperator(self, Target())

    def _broadcast(self, message: Message, target: Target) -> None:
        """Queue one message for all who are chosen. Nothing is called back before all have it."""
        overflown: list[Client] = []
        for socket in self._index.select(target):
            if socket.connected:
                client = socket._client
                if client.session.send(message, volatile=target.volatile) is PushStatus.FULL:
                    overflown.append(client)
        for client in overflown:
            client.overflow()

    async def _call(self, event: object, args: Sequence[Any], target: Target, timeout: float) -> Answers:
        """Broadcast an event under one ack id, and wait for all who got it."""
        ack_id = self._next_ack_id()
        message = encode_event(event, args, self.name, ack_id)
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

    def _next_ack_id(self) -> int:
        ack_id = self._ack_ids
        self._ack_ids = 0 if ack_id == MAX_ACK_ID else ack_id + 1
        return ack_id
