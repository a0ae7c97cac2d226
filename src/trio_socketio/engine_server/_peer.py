"""One session of an Engine.IO server without Socket.IO, which receives messages."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import trio

from trio_socketio._core import track
from trio_socketio.engine_server._base_peer import BasePeer
from trio_socketio.engine_server._mailbox import Message
from trio_socketio.errors import DisconnectReason
from trio_socketio.handlers import HELD, Handler, invoke, invoke_plain
from trio_socketio.serving import log_held

__all__ = ["EnginePeer"]

#: The alternative to returning False from a connection handler, for the log.
NOT_REFUSED = "raise Forbidden in allow_request, or close the socket"


class EnginePeer(BasePeer):
    """The observer of one session: it runs connection handlers, and receives messages."""

    __slots__ = ()

    # the session's observer

    def opened(self, now: float) -> None:
        """Run the connection handlers. Messages are held until they return."""
        waiting: list[Handler] = []
        for handler in self.mailbox.table.get("connection"):
            if not self.connected:
                break
            if handler.is_async:
                waiting.append(handler)
            else:
                result = invoke_plain(handler, self.socket, [], partial(self._failed, "connection"))
                self._check_result(handler, result)
        if waiting and self.connected:
            self.mailbox.start(partial(self._connect_all, waiting), name="socket of an engine")
            if self.mailbox.state is HELD:
                deadline = self.runtime.holding[self.session] = now + self.runtime.config.hold_timeout
                self.session.set_alarm(deadline)
        else:
            self.ready()

    async def _connect_all(self, handlers: list[Handler]) -> None:
        if len(handlers) == 1:
            await self._connect(handlers[0])
        else:
            async with trio.open_nursery() as nursery:
                for handler in handlers:  # the checkpoint makes them start in the order of registration
                    nursery.start_soon(self._connect, handler)
                    await trio.lowlevel.checkpoint()
        self.ready()

    async def _connect(self, handler: Handler) -> None:
        result = await invoke(handler, self.socket, [], partial(self._failed, "connection"))
        self._check_result(handler, result)

    def _check_result(self, handler: Handler, result: object) -> None:
        if result is False:
            self.runtime.returned_false(handler.function, NOT_REFUSED)

    def text(self, data: bytes, now: float) -> None:
        """Receive a text message."""
        self.mailbox.receive(Message([data.decode("utf-8", "surrogatepass")], len(data)))

    def binary(self, data: bytes, now: float) -> None:
        """Receive a binary message."""
        self.mailbox.receive(Message([data], len(data)))

    def alarm(self, now: float) -> None:
        """Stop holding messages after ``hold_timeout``. Before that, log handlers that hold them for long."""
        deadline = self.runtime.holding.get(self.session, now)
        if now >= deadline:
            self.ready()
            return
        names = [handler.name for handler in self.mailbox.table.get("connection") if handler.is_async]
        log_held(self.runtime.log, self.runtime.known_holding, names)
        self.session.set_alarm(deadline)

    def _holders(self) -> Iterable[str]:
        event = "connection" if self.mailbox.state is HELD else "message"
        return [handler.name for handler in self.mailbox.table.get(event)] or ["an iteration over messages"]

    def upgraded(self) -> None:
        """Call the listeners for ``upgrade``."""
        self.listeners.call("upgrade")

    def closed(self, reason: DisconnectReason, description: str) -> None:
        """End the mailbox and its tasks, because the session has ended."""
        self._end = reason, description
        self.writable()
        self.runtime.session_ended(self.session)
        track(self, self.socket, self.listeners, self.mailbox)
        self.mailbox.end()
