"""A socket of an Engine.IO server: one client, and messages to and fro."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, overload

import trio
from trio.lowlevel import checkpoint_if_cancelled, in_trio_task

from trio_socketio._core import Message
from trio_socketio.engine_server._from_thread import SendFromThread
from trio_socketio.errors import Disconnected, LocalProtocolError
from trio_socketio.handlers import emit_outside, require_task
from trio_socketio.serving import FULL, EngineConn, L, Listeners, report

if TYPE_CHECKING:
    from trio_socketio.engine_server._mailbox import MessageIteration
    from trio_socketio.engine_server._peer import EnginePeer
    from trio_socketio.handlers._nursery import SocketNursery

__all__ = ["EngineSocket", "MessageIterator"]

#: At least every so often ``send`` lets other tasks run.
SENDS_BETWEEN_CHECKPOINTS = 32

#: What separates the packets of a payload (Engine.IO protocol, "HTTP long-polling").
SEPARATOR = "\x1e"


class EngineSocket(EngineConn):
    """One client of an ``EngineServer``. Its messages are opaque: ``str`` stays ``str``, ``bytes`` stay ``bytes``.

    ``async for message in socket`` gives the messages that no handler takes, in their order, until the session ends.
    What comes while the connection handlers run is held, for at most ``hold_timeout``; iterating and ``ready`` let
    it through earlier. When ``inbox_events`` or ``inbox_bytes`` wait, the client is not read. What comes when there is
    neither a handler nor an iteration is dropped.
    """

    __slots__ = ("__weakref__", "_client", "_sends")

    _EVENTS = ("message", "close", "upgrade", "drain")

    def __init__(self, client: EnginePeer, listeners: Listeners) -> None:
        super().__init__(client.session, listeners)
        self._client = client
        self._sends = 0

    def __repr__(self) -> str:
        return f"<EngineSocket {self.id[:6]}… {'open' if self.connected else 'closed'}>"

    @property
    def dropped(self) -> int:
        """How many messages came and nobody took."""
        return self._client.dropped

    @property
    def nursery(self) -> SocketNursery:
        """For tasks that end with the socket. An exception of one closes this socket alone."""
        return self._client.mailbox.nursery

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
        self._client.listen(event, listener)
        return listener

    def ready(self) -> None:
        """Let messages through that are held back while the connection handlers run."""
        require_task("ready")
        self._client.ready()

    def __aiter__(self) -> MessageIterator:
        require_task("iterating")
        return self._client.iterate()

    # sending

    @property
    def from_thread(self) -> SendFromThread:
        """For messages from other threads, and from callbacks that no Trio task runs."""
        return SendFromThread(self._client.runtime, self)

    def _message(self, data: str | bytes | bytearray | memoryview, compress: bool) -> Message:
        if not self.connected:
            raise Disconnected(f"the socket is closed: {self._client.reason}")
        message = self._encoded(data)
        message.compress = compress
        observer = self._client.runtime.observer
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
        message, client = self._message(data, compress), self._client
        conn = client.session.link
        if client.waiting or conn.send(message) == FULL:
            await client.send_waiting(client, message)
        self._sends += 1
        if self._sends >= SENDS_BETWEEN_CHECKPOINTS or conn.is_loaded:
            self._sends = 0
            await trio.lowlevel.cancel_shielded_checkpoint()

    def send_nowait(self, data: str | bytes | bytearray | memoryview, *, compress: bool = True) -> None:
        """Send a message without waiting; with a full outbox the client is disconnected, or its policy drops.

        Raises:
            Disconnected, LocalProtocolError: as ``send``.
            RuntimeError: no Trio task calls; nothing was sent. See ``from_thread``.
        """
        conn = self._session.link
        if not conn.in_turn and not in_trio_task():
            raise emit_outside("send_nowait", "send")
        if conn.send(self._message(data, compress)) == FULL:
            self._client.overflow()

    async def flush(self) -> None:
        """Wait until all that was sent so far is written, or lost with the session."""
        await self._client.flush()


class MessageIterator:
    """Gives out messages that no handler takes, for as long as somebody holds it."""

    __slots__ = ("__weakref__", "_client", "_iteration")

    def __init__(self, client: EnginePeer, iteration: MessageIteration) -> None:
        self._client = client
        self._iteration = iteration

    def __del__(self) -> None:
        self._client.runtime.inlet.finalize(self._client.iterated, self._iteration)

    def __aiter__(self) -> MessageIterator:
        return self

    async def __anext__(self) -> str | bytes:
        message = await self._client.next_message()
        if message is None:
            raise StopAsyncIteration
        return message
