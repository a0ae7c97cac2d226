"""Opens and closes a server with the lifespan of its ASGI server (the ASGI specification, "Lifespan Protocol")."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import trio

from trio_socketio._asgi_types import ASGIApplication, Message, Receive, Scope, Send
from trio_socketio.handlers import unwrap

__all__ = ["Lifespan"]


class Lifespan:
    """The lifespan of a server, and of the other application beside it.

    The server opens before the other application starts, and closes before that shuts down. Handlers can therefore use
    the application's resources until their end.

    Args:
        server: the server; ``async with`` runs it.
        other: the application beside it; None: there is none.
        scope, receive, send: the arguments of this call.
    """

    def __init__(
        self,
        server: AbstractAsyncContextManager[object],
        other: ASGIApplication | None,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self._server = server
        self._other = other
        self._scope = scope
        self._receive = receive
        self._send = send
        self._stopping = trio.Event()
        self._stopped = trio.Event()
        self._begun = False
        self._answered = False

    async def run(self) -> None:
        """Run the server until the ASGI server shuts down.

        Cancellation: the server stops.
        """
        await self._receive()
        try:
            async with trio.open_nursery() as nursery:
                await self._open(nursery)
                if self._other is None:
                    await self._send({"type": "lifespan.startup.complete"})
                    await self._next()
                    await self._send({"type": "lifespan.shutdown.complete"})
                else:
                    await self._run_other(self._other)
                self._stopping.set()
        except BaseExceptionGroup as group:
            raise unwrap(group) from None

    async def _open(self, nursery: trio.Nursery) -> None:
        """Open the server. If it fails, say so: an exception alone would mean that there is no lifespan."""
        try:
            await nursery.start(self._hold)
        except Exception as error:
            await self._send(
                {"type": "lifespan.startup.failed", "message": f"{type(error).__name__}: {error}"}
            )
            raise

    async def _hold(self, task_status: trio.TaskStatus[None]) -> None:
        try:
            async with self._server:
                task_status.started()
                await self._stopping.wait()
        finally:
            self._stopped.set()

    async def _run_other(self, other: ASGIApplication) -> None:
        """Run the lifespan of the other application. If it has none, go on without it."""
        try:
            await other(self._scope, self._receive_for_other, self._send_for_other)
        except Exception:
            if self._answered:
                raise
        if not self._answered:
            await self._send({"type": "lifespan.startup.complete"})
            await self._next()
            await self._send({"type": "lifespan.shutdown.complete"})

    async def _receive_for_other(self) -> Message:
        if not self._begun:
            self._begun = True
            return {"type": "lifespan.startup"}
        return await self._next()

    async def _send_for_other(self, message: Message) -> None:
        self._answered = True
        await self._send(message)

    async def _next(self) -> Message:
        """Wait for the shutdown, and close the server."""
        message = await self._receive()
        self._stopping.set()
        await self._stopped.wait()
        return message
