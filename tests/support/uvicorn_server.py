"""Uvicorn in a thread, to compare its responses with ours."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio
import uvicorn

__all__ = ["uvicorn_running"]


class _Server(uvicorn.Server):
    """Tells when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._token = trio.lowlevel.current_trio_token()
        self.is_up = trio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._token.run_sync_soon(self.is_up.set)


@asynccontextmanager
async def uvicorn_running(app: Any, http: str, root_path: str = "") -> AsyncIterator[int]:
    """Serve an application with uvicorn, and yield the port.

    Args:
        app: the application.
        http: the parser, ``"h11"`` or ``"httptools"``.
        root_path: see uvicorn's option.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app, http=http, ws="wsproto", lifespan="on", log_config=None, root_path=root_path
        )
        server = _Server(config)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, server.run, [listener])
            with trio.fail_after(30):
                await server.is_up.wait()
            try:
                yield listener.getsockname()[1]
            finally:
                server.should_exit = True
