"""A socket of an Engine.IO server: one client, with its incoming and outgoing messages."""

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

#: ``send`` runs a checkpoint at least once in this many calls.
SENDS_BETWEEN_CHECKPOINTS = 32

#: The separator between the packets of a payload (Engine.IO protocol, "HTTP long-polling").
SEPARATOR = "\x1e"


class SocketPeer(Protocol):
    """The peer of a socket, which sends its messages and keeps the received ones."""

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
        """Why the session has ended; None while it is open."""

    def listen(self, event: str, function: HandlerFunction) -> None:
        """Register a handler for this socket alone."""

    def ready(self) -> None:
        """Stop holding messages for the connection handlers, and deliver those that wait."""

    def iterate(self) -> MessageIterator:
        """Return an iterator over the messages that have no handler."""
        ...

    async def send_waiting(self, socket: SocketPeer, message: Message) -> None:
        """Queue a message as soon as there is room for it."""

    def overflow(self) -> None:
        """Disconnect the client: its outbox is full, and the next message can neither wait nor be dropped."""

    async def flush(self) -> None:
        """Wait until all messages that are queued now are written or dropped, or the session has ended."""


class EngineSocket(EngineConn):
    """One client of an ``EngineServer``. Messages are not converted: text is ``str``, and binary is ``bytes``.

    ``async for message in socket`` returns the messages that have no handler, in their order, until the session ends.
    Messages that arrive while the connection handlers run are held for at most ``hold_timeout``. Iterating and
    ``ready`` deliver them earlier. While ``inbox_events`` messages or ``inbox_bytes`` bytes wait, the server does not
    read from the client. Messages for which there is neither a handler nor an iteration are dropped.
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
        """How many messages were dropped, because there was neither a handler nor an iteration."""
        return self._peer.dropped

    @property
    def nursery(self) -> SocketNursery:
        """A nursery whose tasks are cancelled when the socket ends. An exception of a task closes this socket only."""
        return self._peer.mailbox.nursery

    @overload
    def on(self, event: str, listener: L) -> L: ...
    @overload
    def on(self, event: str, listener: None = None) -> Callable[[L], L]: ...

    def on(self, event: str, listener: L | None = None) -> L | Callable[[L], L]:
        """Register a handler. Also works as a decorator.

        - ``"message"``: ``(data)``, for each message, one after the other;
        - ``"close"``: ``(reason, description)``, when the session and its handlers have ended;
        - ``"upgrade"``: ``()``, when the session has moved to WebSocket;
        - ``"drain"``: ``()``, whenever all sent messages are written.

        Handlers for ``message`` and ``close`` may be ``async def``; an exception is logged and closes this socket. An
        exception of the other handlers is only logged. A plain function must not block.

        Raises:
            ValueError: the event does not exist.
            TypeError: the function takes other arguments.
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
        """Stop holding messages for the connection handlers, and deliver those that wait."""
        require_task("ready")
        self._peer.ready()

    def __aiter__(self) -> MessageIterator:
        require_task("iterating")
        return self._peer.iterate()

    # sending

    @property
    def from_thread(self) -> SendFromThread:
        """Sends messages from other threads, and from callbacks outside of Trio tasks."""
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
            raise LocalProtocolError("a text message must not contain U+001E, which separates packets")
        try:
            return Message(data)
        except UnicodeEncodeError as error:
            raise LocalProtocolError(f"the message cannot be encoded as UTF-8: {error}") from None

    async def send(self, data: str | bytes | bytearray | memoryview, *, compress: bool = True) -> None:
        """Send a message. Wait for room in the outbox if its policy waits.

        Args:
            data: text or binary.
            compress: whether the message may be compressed, if the client and ``per_message_deflate`` allow it.

        Raises:
            Disconnected: the session has ended. The message was not sent.
            LocalProtocolError: the text contains U+001E or a surrogate. The message was not sent.

        Cancellation: ``Cancelled`` means that the message was not queued. Unlike other async calls, not every call
        lets other tasks run: only when the outbox is half full, and at least every 32nd call.
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
        """Send a message without waiting. If the outbox is full, its policy drops, or the client is disconnected.

        Raises:
            Disconnected, LocalProtocolError: as in ``send``.
            RuntimeError: the caller is not a Trio task. The message was not sent. See ``from_thread``.
        """
        link = self._session.link
        if not link.in_turn and not in_trio_task():
            raise emit_outside("send_nowait", "send")
        if link.send(self._message(data, compress)) == FULL:
            self._peer.overflow()

    async def flush(self) -> None:
        """Wait until all messages sent so far are written, or the session has ended."""
        await self._peer.flush()
