"""How a socket lives: middlewares, connection handlers, its tasks, disconnect handlers.

A socket that has nothing to do has no task. One is started

- for its middlewares and connection handlers, if any of them can wait, or if it has to wait for a former socket of
  its client in the same namespace; otherwise they run at once;
- for its events, if they cannot be handled at once: one of those that all sockets share, see ``_crew.py``;
- for ``socket.nursery``, when it is first used;
- for its disconnect handlers, if no other lives when it ends; otherwise the last one that ends runs them.

Each has its cancel scope in ``socket._tasks``. A socket is gone when it has ended and that is empty. Once it has ended,
no task of it begins: its nursery takes none, and nobody is with its events. So it is gone once.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import trio

from trio_socketio.errors import ConnectRefused, LocalProtocolError
from trio_socketio.handlers import CONTAINED, NO_ACK, Handler, contain, leaf
from trio_socketio.server._crew import Crew
from trio_socketio.server._dispatch import INTERNAL_ERROR, Dispatcher
from trio_socketio.server._former import FormerSockets
from trio_socketio.server._tasks import Tasks

if TYPE_CHECKING:
    from trio_socketio.server._runtime import Runtime
    from trio_socketio.server._socket import Socket

__all__ = ["Life"]


def _refusal(error: BaseException) -> dict[str, Any] | None:
    """What a client is told if a middleware has raised ``ConnectRefused``, alone or in a nursery; else None."""
    refusal = leaf(error)
    if not isinstance(refusal, ConnectRefused):
        return None
    told = {"message": refusal.message}
    return told if refusal.data is None else {**told, "data": refusal.data}


class Life(Tasks["Socket"]):
    """Begins and ends sockets, and starts their tasks.

    Attributes:
        living: how many sockets have begun and are not gone.
        former: those that have ended and are not gone, while their session goes on.
    """

    def __init__(self, runtime: Runtime, dispatcher: Dispatcher) -> None:
        super().__init__(runtime)
        self._dispatcher = dispatcher
        self.living = 0
        self.former = FormerSockets()
        self.crew = Crew(runtime, dispatcher, self)

    # the beginning

    def begin(self, socket: Socket) -> None:
        """A client asks to join a namespace."""
        self.living += 1
        namespace = socket._namespace
        handlers = namespace.handlers.get("connection")
        if self.former.has_any(socket):
            self.start(socket, lambda: self._connect_after_former(socket), name=f"socket in {namespace.name}")
            return
        if namespace.middlewares or any(handler.is_async for handler in handlers):
            self.start(socket, lambda: self._connect(socket), name=f"socket in {namespace.name}")
            return
        socket._accept()
        for handler in handlers:
            if socket.connected:
                self._connected_plainly(socket, handler)
        socket.ready()

    async def _connect_after_former(self, socket: Socket) -> None:
        with trio.move_on_after(self._runtime.config.disconnect_timeout):
            await self.former.wait_until_gone(socket)
        await self._connect(socket)

    async def _connect(self, socket: Socket) -> None:
        error = await self._admit(socket)
        if not socket._is_connecting:
            return
        if error is not None:
            self._refuse(socket, error)
            return
        socket._accept()
        if not socket.connected:
            return
        handlers = socket._namespace.handlers.get("connection")
        if handlers:
            socket._hold(self._runtime.config.hold_timeout)
        if len(handlers) == 1:
            await self._connected(socket, handlers[0])
        else:
            async with trio.open_nursery() as nursery:
                for handler in handlers:  # they start in the order of registration
                    nursery.start_soon(self._connected, socket, handler)
                    await trio.lowlevel.checkpoint()
        socket.ready()

    async def _admit(self, socket: Socket) -> dict[str, Any] | None:
        """Run the middlewares; returns what the client is told if they refuse it."""
        for middleware in socket._namespace.middlewares:
            try:
                result = middleware(socket)
                if inspect.isawaitable(result):
                    result = await result
                if result is False:
                    self._runtime.returned_false(middleware, "raise ConnectRefused instead")
            except CONTAINED as exc:
                refusal = _refusal(exc)
                if refusal is not None:
                    return refusal
                contain(exc, lambda failure: self._dispatcher.report(socket, "connection", failure))
                return {"message": INTERNAL_ERROR}
        return None

    def _refuse(self, socket: Socket, error: dict[str, Any]) -> None:
        try:
            socket._refuse(error)
        except LocalProtocolError as failure:  # the application's data cannot be encoded
            self._dispatcher.report(socket, "connection", failure)
            socket._refuse({"message": INTERNAL_ERROR})

    async def _connected(self, socket: Socket, handler: Handler) -> None:
        if not handler.is_async:
            self._connected_plainly(socket, handler)
        elif not handler.once or self._dispatcher.claim(socket, "connection", handler):
            try:
                result = await handler.call(socket, (), NO_ACK)
            except CONTAINED as error:
                self._connection_failed(socket, error)
            else:
                self._check_result(handler, result)

    def _connected_plainly(self, socket: Socket, handler: Handler) -> None:
        if not handler.once or self._dispatcher.claim(socket, "connection", handler):
            try:
                result = self._dispatcher.call_plain(socket, (), handler, NO_ACK)
            except CONTAINED as error:
                self._connection_failed(socket, error)
            else:
                self._check_result(handler, result)

    def _check_result(self, handler: Handler, result: object) -> None:
        if result is False:
            remedy = "raise ConnectRefused in a middleware (use), which runs before the client is connected"
            self._runtime.returned_false(handler.function, remedy)

    def _connection_failed(self, socket: Socket, error: BaseException) -> None:
        contain(error, lambda failure: self._dispatcher.task_failed(socket, "connection", failure))

    # the end

    def end(self, socket: Socket) -> None:
        """A socket has ended; one that takes its place waits until it is gone."""
        self.former.add(socket)
        super().end(socket)

    def _is_missed(self, socket: Socket) -> bool:
        """Whether somebody wants to hear of its end; of one that was never connected nobody does."""
        return socket._was_connected and any(
            socket._handlers_of(event) for event in ("disconnecting", "disconnect")
        )

    async def farewell(self, socket: Socket) -> None:
        """Let those hear who want to, and forget the socket."""
        try:
            if self._is_missed(socket):
                with self._runtime.disconnecting():
                    await self._notify(socket, "disconnecting")
                    socket._member.leave_all()
                    await self._notify(socket, "disconnect")
        finally:
            self._forget(socket)

    def _forget(self, socket: Socket) -> None:
        socket._vanish()
        self.former.discard(socket)
        self.living -= 1
        if not self.living:
            self.crew.dismiss()

    async def _notify(self, socket: Socket, event: str) -> None:
        args = (str(socket._reason), socket._description)
        for handler in socket._handlers_of(event):
            if handler.once and not self._dispatcher.claim(socket, event, handler):
                continue
            try:
                if handler.is_async:
                    await handler.call(socket, handler.trim(args), NO_ACK)
                else:
                    self._dispatcher.call_plain(socket, handler.trim(args), handler, NO_ACK)
            except CONTAINED as error:
                contain(error, lambda failure: self._dispatcher.report(socket, event, failure))
