"""A socket of an Engine.IO server: one client, and messages to and fro."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, overload

import trio
from trio.lowlevel import checkpoint_if_cancelled, in_trio_task

from trio_socketio._core import Message
from trio_socketio.engine_server._from_thread import SendFromThread
from trio_socketio.engine_server._iteration import MessageIterator
from trio_socketio.engineio import Session
from trio_socketio.errors import Disconnected, DisconnectReason, LocalProtocolError
from trio_socketio.handlers import HandlerFunction, emit_outside, require_task
from trio_socketio.serving import FULL, BaseRuntime, EngineConn, L, Listeners, report

if TYPE_CHECKING:
    from trio_socketio.handlers import Mailbox, SocketNursery

__all__ = ["EngineSocket"]

#: At least every so often ``send`` lets other tasks run.
SENDS_BETWEEN_CHECKPOINTS = 32

#: What separates the packets of a payload (Engine.IO protocol, "HTTP long-polling").
SEPARATOR = "\x1e"


class SocketPeer(Protocol):
    """The peer of a socket: what sends its messages, and holds those that came."""

    session: Session
    dropped: int
    waiting: int

    @property
    def runtime(self) -> BaseRuntime:
        """The running server."""
        ...

    @property
    def mailbox(self) -> Mailbox[Any]:
        """The socket's messages and tasks."""
        ...

    @property
    def connected(self) -> bool:
        """Whether messages can be sent."""
        ...

    @property
    def reason(self) -> DisconnectReason | None:
        """Why the session has ended; None: it has not."""

    def listen(self, event: str, function: HandlerFunction) -> None:
        """Register a handler for this socket alone."""

    def ready(self) -> None:
        """Let messages through that are held while the connection handlers run."""

    def iterate(self) -> MessageIterator:
        """Return an iterator over the messages that no handler takes."""
        ...

    async def send_waiting(self, socket: SocketPeer, message: Message) -> None:
        """Queue a message as soon as there is room for it."""

    def overflow(self) -> None:
        """The outbox is full, and the next message can neither wait nor be dropped: give the client up."""

    async def flush(self) -> None:
        """Wait until all that is queued now is written, dropped, or lost with the session."""


class EngineSocket(EngineConn):
    """One client of an ``EngineServer``. Its messages are opaque: ``str`` stays ``str``, ``bytes`` stay ``bytes``.

    ``async for message in socket`` gives the messages that no handler takes, in their order, until the session ends.
    What comes while the connection handlers run is held, for at most ``hold_timeout``; iterating and ``ready`` let
    it through earlier. When ``inbox_events`` or ``inbox_bytes`` wait, the client is not read. What comes when there is
    neither a handler nor an iteration is dropped.
    """

    __slots__ = ("__weakref__", "_peer", "_sends")

    _EVENTS = ("message", "close", "upgrade", "drain")

    def __init__(self, peer: SocketPeer, listeners: Listeners) -> None:
        super().__init__(peer.session, listeners)
        self._peer = peer
        self._sends = 0

    def __repr__(self) -> str:
        return f"<EngineSocket {self.id[:6]}… {'open' if self.connected else 'closed'}>"

    @property
    def dropped(self) -> int:
        """How many messages came and nobody took."""
        return self._peer.dropped

    @property
    def nursery(self) -> SocketNursery:
        """For tasks that end with the socket. An exception of one closes this socket alone."""
        return self._peer.mailbox.nursery

    @overload
    def on(self, event: str, listener: L) -> L: ...
    @overload
    def on(self, event: str, listener: None = None) -> Callable[[L], L]: ...

    def on(self, event: str, listener: L | None = None) -> L | Callable[[L], L]:
        """Register a handler; also a decorator.

        - ``"message"``: ``(data)``, for each message, one after the other;
        - ``"close"``: ``(reason, description)``, when the session has ended and its handlers have, too;
        - ``"upgrade"``: ``()``, when the session has moved to WebSocket;
        - ``"drain"``: ``()``, whenever all that was sent is written.

        The first two may be ``async def``; a plain function must not block. An exception of the first two is logged and
        closes this socket, one of the others is logged.

        Raises:
            ValueError: there is no such event.
            TypeError: the function cannot be called so.
        """
        self._check(event)
        if listener is None:
            return lambda function: self.on(event, function)
        if event in ("upgrade", "drain"):
            return super().on(event, listener)
        require_task("socket.on")
        self._peer.listen(event, listener)
        return listener

    def ready(self) -> None:
        """Let messages through that are held back while the connection handlers run."""
        require_task("ready")
        self._peer.ready()

    def __aiter__(self) -> MessageIterator:
        require_task("iterating")
        return self._peer.iterate()

    # sending

    @property
    def from_thread(self) -> SendFromThread:
        """For messages from other threads, and from callbacks that no Trio task runs."""
        return SendFromThread(self._peer.runtime, self)

    def _message(self, data: str | bytes | bytearray | memoryview, compress: bool) -> Message:
        if not self.connected:
            raise Disconnected(f"the socket is closed: {self._peer.reason}")
        message = self._encoded(data)
        message.compress = compress
        observer = self._peer.runtime.observer
        if observer is not None:
            report(observer, "packet_create", self, "message", data)
        return message

    @staticmethod
    def _encoded(data: str | bytes | bytearray | memoryview) -> Message:
        if not isinstance(data, str):
            return Message(None, [data])
        if SEPARATOR in data:
            raise LocalProtocolError("a text message must not hold U+001E, which separates packets")
        try:
            return Message(data)
        except UnicodeEncodeError as error:
            raise LocalProtocolError(f"the message is no text: {error}") from None

    async def send(self, data: str | bytes | bytearray | memoryview, *, compress: bool = True) -> None:
        """Send a message, waiting for room in the outbox where its policy says so.

        Args:
            data: text or binary.
            compress: whether it may be compressed, where the client and ``per_message_deflate`` allow for it.

        Raises:
            Disconnected: the session has ended; nothing was sent.
            LocalProtocolError: the text holds U+001E or a surrogate; nothing was sent.

        Cancellation: ``Cancelled`` means that it was not queued. It yields to other tasks when the outbox is half
        full, and at least every 32nd call: the one exception to the rule that each call is a checkpoint.
        """
        try:
            await checkpoint_if_cancelled()
        except RuntimeError:
            raise emit_outside("send", "send") from None
        message, peer = self._message(data, compress), self._peer
        link = peer.session.link
        if peer.waiting or link.send(message) == FULL:
            await peer.send_waiting(peer, message)
        self._sends += 1
        if self._sends >= SENDS_BETWEEN_CHECKPOINTS or link.is_loaded:
            self._sends = 0
            await trio.lowlevel.cancel_shielded_checkpoint()

    def send_nowait(self, data: str | bytes | bytearray | memoryview, *, compress: bool = True) -> None:
        """Send a message without waiting; with a full outbox the client is disconnected, or its policy drops.

        Raises:
            Disconnected, LocalProtocolError: as ``send``.
            RuntimeError: no Trio task calls; nothing was sent. See ``from_thread``.
        """
        link = self._session.link
        if not link.in_turn and not in_trio_task():
            raise emit_outside("send_nowait", "send")
        if link.send(self._message(data, compress)) == FULL:
            self._peer.overflow()

    async def flush(self) -> None:
        """Wait until all that was sent so far is written, or lost with the session."""
        await self._peer.flush()
