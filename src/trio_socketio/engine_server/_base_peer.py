"""The part of a peer that its socket and its mailbox use: it calls handlers, and reports their errors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import trio

from trio_socketio._core import untrack
from trio_socketio.engine_server._iteration import MessageIteration, MessageIterator
from trio_socketio.engine_server._mailbox import Message, MessageMailbox
from trio_socketio.engine_server._peer_runtime import PeerRuntime
from trio_socketio.engine_server._registry import MessageHandlers
from trio_socketio.engine_server._socket import EngineSocket
from trio_socketio.engineio import Session
from trio_socketio.errors import DisconnectReason
from trio_socketio.handlers import (
    Handler,
    HandlerFunction,
    Inbox,
    contain,
    invoke,
    invoke_plain,
    remedy,
    without_disconnected,
)
from trio_socketio.serving import HELD_SECONDS, Listeners, Peer

__all__ = ["BasePeer"]


class BasePeer(Peer):
    """A session, as its socket uses it, and the owner of its mailbox. ``EnginePeer`` derives from it.

    Attributes:
        mailbox: the socket's messages and tasks.
        dropped: how many messages were dropped, because there was neither a handler nor an iteration.
    """

    __slots__ = ("_end", "dropped", "mailbox", "runtime")

    engine_socket: EngineSocket | None
    listeners: Listeners

    def __init__(self, runtime: PeerRuntime, session: Session) -> None:
        super().__init__(session)
        self.runtime: PeerRuntime = runtime
        self.listeners = Listeners(session)
        self.engine_socket = EngineSocket(self, self.listeners)
        self.mailbox = MessageMailbox(self, runtime.workers, runtime.handlers)
        self.dropped = 0
        #: the reason and its description, after the session has ended
        self._end: tuple[DisconnectReason, str] | None = None
        untrack(self, self.engine_socket, self.listeners, self.mailbox)

    @property
    def socket(self) -> EngineSocket:
        """The socket that handlers receive. It exists until ``vanish``."""
        assert self.engine_socket is not None
        return self.engine_socket

    @property
    def connected(self) -> bool:
        """Whether messages can be sent."""
        return self.session.is_open

    @property
    def reason(self) -> DisconnectReason | None:
        """Why the session has ended; None while it is open."""
        return None if self._end is None else self._end[0]

    # messages

    def listen(self, event: str, function: HandlerFunction) -> None:
        """Register a handler for this socket alone."""
        table = self.mailbox.own_table(partial(MessageHandlers, takes_socket=False))
        table.add(event, function, once=False)
        self.mailbox.deliver()

    def ready(self) -> None:
        """Stop holding messages for the connection handlers, and deliver those that wait."""
        if (
            self.connected
            and self.mailbox.ready()
            and self.runtime.holding.pop(self.session, None) is not None
        ):
            self.session.set_alarm(math.inf)

    # the iteration

    def iterate(self) -> MessageIterator:
        """Return the iterator over the messages that have no handler. Concurrent loops share one iterator."""
        if self.mailbox.iteration is None:
            self.mailbox.iteration = MessageIteration()
        iterator = self.mailbox.iteration.iterator(self)
        self.ready()
        return iterator

    def iterated(self, iteration: MessageIteration) -> None:
        """End this iteration, whose iterator was deleted. Messages that wait are dropped if there is no handler."""
        if self.mailbox.iteration is iteration:
            self.mailbox.iteration = None
            self.mailbox.deliver()

    async def next_message(self) -> str | bytes | None:
        """Wait for a message. Return None if the session or the iteration has ended."""
        await trio.lowlevel.checkpoint_if_cancelled()
        mailbox = self.mailbox
        while True:
            message = None
            if mailbox.inbox is not None and not mailbox.table.get("message"):
                message = mailbox.inbox.take()
            iteration = mailbox.iteration
            if message is not None:
                if iteration is not None:
                    await iteration.let_others_run()
                return message.args[0]
            if mailbox.has_ended or iteration is None:
                return None
            mailbox.wake_idle()
            await iteration.wait()

    # the mailbox's owner

    def make_inbox(self) -> Inbox[Message]:
        """Return a new inbox with the limits ``inbox_events`` and ``inbox_bytes``."""
        config = self.runtime.config
        return Inbox(self, config.inbox_events, config.inbox_bytes)

    async def handle(self, event: Message) -> None:
        """Call the handlers of a message, one after the other."""
        for handler in self.mailbox.table.get("message"):
            if not self.connected:
                return
            await invoke(handler, self.socket, event.args, self._message_failed)

    def handle_inline(self, event: Message, handlers: Sequence[Handler]) -> None:
        """Call the handlers of a message, all of which are plain functions."""
        for handler in handlers:
            if self.connected:
                invoke_plain(handler, self.socket, event.args, self._message_failed)

    def acknowledge(self, ack_id: int, result: object) -> None:
        """Do nothing: messages have no acknowledgement."""

    def event_waits(self) -> None:
        """Set an alarm for the first held message, which logs the connection handlers that hold it for long."""
        inbox = self.mailbox.inbox
        if inbox is not None and inbox.count == 1 and self.session in self.runtime.holding:
            self.session.set_alarm(
                min(self.runtime.holding[self.session], trio.current_time() + HELD_SECONDS)
            )

    def cut_off(self, event: Message) -> None:
        """Do nothing: a message has no acknowledgement that could be missing."""

    def failed(self, event: Message, error: BaseException) -> None:
        """Report the error of a message handler, and close the socket."""
        self._message_failed(error)

    def _message_failed(self, error: BaseException) -> None:
        self._failed("message", error)

    def nursery_failed(self, error: BaseException) -> None:
        """Report the error of a task in the socket's nursery, and close the socket."""
        self._failed("nursery", error)

    def _failed(self, event: str, error: BaseException) -> None:
        contain(error, partial(self._report, event))

    def _report(self, event: str, error: Exception) -> None:
        ended_with_client = event != "close" and not self.connected
        failure = without_disconnected(error) if ended_with_client else error
        if failure is None:
            self.runtime.log.debug(
                "handler of %r ended with Disconnected after its client had disconnected", event
            )
            return
        self.runtime.log.error(
            "handler of %r failed: the socket is closed%s", event, remedy(failure), exc_info=failure
        )
        self.session.close(
            DisconnectReason.FORCED_SERVER_CLOSE, "a handler failed", now=trio.current_time(), code=1011
        )

    @property
    def has_disconnect_handlers(self) -> bool:
        """Whether there are handlers for ``close``."""
        return bool(self.mailbox.table.get("close"))

    async def run_disconnect_handlers(self) -> None:
        """Call the handlers for ``close``."""
        for handler in self.mailbox.table.get("close"):
            assert self._end is not None
            args = handler.trim([str(self._end[0]), self._end[1]])
            await invoke(handler, self.socket, args, partial(self._failed, "close"))

    def vanish(self) -> None:
        """Drop the socket. It refers to this peer, so this breaks the reference cycle."""
        self.listeners.clear()
        self.engine_socket = None

    async def finish(self) -> None:
        """Wait until all received messages are handled and all sent messages are written, or the session has ended."""
        while self.connected and not self.mailbox.is_idle:
            await self.mailbox.wait_until_idle()
        await self.flush()
