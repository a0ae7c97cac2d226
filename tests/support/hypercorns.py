"""Hypercorn in this process, with its Trio worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import hypercorn.config
import hypercorn.trio
import trio

__all__ = ["under_hypercorn"]


@asynccontextmanager
async def under_hypercorn(app: Any) -> AsyncIterator[str]:
    """``async with under_hypercorn(app) as url:`` an ASGI application that Hypercorn serves.

    At the end of the block Hypercorn shuts down, with the application's lifespan.
    """
    config = hypercorn.config.Config()
    config.bind = ["127.0.0.1:0"]
    config.graceful_timeout = 0.2
    config.loglevel = "WARNING"
    shutdown = trio.Event()

    async def serve(task_status: trio.TaskStatus[list[str]]) -> None:
        await hypercorn.trio.serve(
            app, config, shutdown_trigger=shutdown.wait, task_status=task_status, mode="asgi"
        )

    async with trio.open_nursery() as nursery:
        (url,) = await nursery.start(serve)
        try:
            yield url
        finally:
            shutdown.set()
