"""The beginning and the end of a socket: middlewares, connection handlers, disconnect handlers.

A socket begins without a task if it has no middleware, no async connection handler and no former socket. Otherwise a
task of its mailbox waits for the former sockets of its client in the namespace, and runs middlewares and handlers.
"""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

import trio

from trio_socketio._passing import PASSING
from trio_socketio.errors import ConnectRefused, LocalProtocolError
from trio_socketio.handlers import (
    INTERNAL_ERROR,
    Handler,
    claim,
    contain,
    invoke,
    invoke_plain,
    leaf,
)
from trio_socketio.server._base_socket import BaseSocket
from trio_socketio.server._dispatch import Dispatcher
from trio_socketio.server._former import FormerSockets
from trio_socketio.server._phase import CONNECTING
from trio_socketio.serving import BaseRuntime

__all__ = ["Lifecycle"]


def _refusal(error: BaseException) -> dict[str, Any] | None:
    """Return the data of CONNECT_ERROR for a ``ConnectRefused``, alone or in an exception group; else None."""
    refusal = leaf(error)
    if not isinstance(refusal, ConnectRefused):
        return None
    told = {"message": refusal.message}
    return told if refusal.data is None else {**told, "data": refusal.data}


class Lifecycle:
    """Begins and ends sockets.

    Args:
        runtime: the running server.
        dispatcher: reports failures.
        former: the sockets that have ended while their session goes on.
    """

    def __init__(self, runtime: BaseRuntime, dispatcher: Dispatcher, former: FormerSockets) -> None:
        self._runtime = runtime
        self._dispatcher = dispatcher
        self._former = former

    # the beginning

    def begin(self, socket: BaseSocket) -> None:
        """Begin a new socket: run middlewares, accept or refuse the client, and run connection handlers."""
        namespace = socket.namespace
        handlers = namespace.handlers.get("connection")
        must_wait = self._former.has_any(socket)
        if must_wait or namespace.middlewares or any(handler.is_async for handler in handlers):
            connect = self._connect_after_former if must_wait else self._connect
            socket.mailbox.start(partial(connect, socket), name=f"socket in {namespace.name}")
            return
        socket.accept()
        for handler in handlers:
            if socket.connected and claim(namespace.handlers, "connection", handler):
                failed = partial(self._connection_failed, socket)
                self._check_result(handler, invoke_plain(handler, socket.socket, (), failed))
        socket.ready()

    async def _connect_after_former(self, socket: BaseSocket) -> None:
        with trio.move_on_after(self._runtime.config.disconnect_timeout):
            await self._former.wait_until_gone(socket)
        await self._connect(socket)

    async def _connect(self, socket: BaseSocket) -> None:
        error = await self._admit(socket)
        if socket.phase is not CONNECTING:
            return
        if error is not None:
            self._refuse(socket, error)
            return
        socket.accept()
        if not socket.connected:
            return
        handlers = socket.namespace.handlers.get("connection")
        if handlers:
            socket.hold(self._runtime.config.hold_timeout)
        if len(handlers) == 1:
            await self._connected(socket, handlers[0])
        else:
            async with trio.open_nursery() as nursery:
                for handler in handlers:  # the checkpoint makes them start in the order of registration
                    nursery.start_soon(self._connected, socket, handler)
                    await trio.lowlevel.checkpoint()
        socket.ready()

    async def _admit(self, socket: BaseSocket) -> dict[str, Any] | None:
        """Run the middlewares. Return the data of CONNECT_ERROR if one refuses the client, else None."""
        for middleware in socket.namespace.middlewares:
            try:
                result = middleware(socket.socket)
                if inspect.isawaitable(result):
                    result = await result
                if result is False:
                    self._runtime.returned_false(middleware, "raise ConnectRefused instead")
            except PASSING:
                raise
            except BaseException as exc:
                refusal = _refusal(exc)
                if refusal is not None:
                    return refusal
                contain(exc, partial(self._dispatcher.report, socket, "connection"))
                return {"message": INTERNAL_ERROR}
        return None

    def _refuse(self, socket: BaseSocket, error: dict[str, Any]) -> None:
        try:
            socket.refuse(error)
        except LocalProtocolError as failure:  # the application's data cannot be encoded
            self._dispatcher.report(socket, "connection", failure)
            socket.refuse({"message": INTERNAL_ERROR})

    async def _connected(self, socket: BaseSocket, handler: Handler) -> None:
        if claim(socket.namespace.handlers, "connection", handler):
            failed = partial(self._connection_failed, socket)
            self._check_result(handler, await invoke(handler, socket.socket, (), failed))

    def _check_result(self, handler: Handler, result: object) -> None:
        if result is False:
            remedy = "raise ConnectRefused in a middleware (use), which runs before the client is connected"
            self._runtime.returned_false(handler.function, remedy)

    def _connection_failed(self, socket: BaseSocket, error: BaseException) -> None:
        contain(error, partial(self._dispatcher.task_failed, socket, "connection"))

    # the end

    async def run_disconnect_handlers(self, socket: BaseSocket) -> None:
        """Call the handlers for ``disconnecting``, leave all rooms, and call the handlers for ``disconnect``."""
        await self._notify(socket, "disconnecting")
        socket.leave_all()
        await self._notify(socket, "disconnect")

    async def _notify(self, socket: BaseSocket, event: str) -> None:
        args = (str(socket.reason), socket.description)
        table = socket.mailbox.table
        failed = partial(self._disconnect_failed, socket, event)
        for handler in table.get(event):
            if claim(table, event, handler):
                await invoke(handler, socket.socket, handler.trim(args), failed)

    def _disconnect_failed(self, socket: BaseSocket, event: str, error: BaseException) -> None:
        contain(error, partial(self._dispatcher.report, socket, event))
