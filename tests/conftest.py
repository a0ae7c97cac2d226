"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import trio
from support.wire import Wire

from trio_socketio import Server

Running = Callable[[Server], AbstractAsyncContextManager[Wire]]


@pytest.fixture
def running() -> Running:
    """``async with running(io) as wire:`` a server that runs, and connections to it in memory.

    At the end the clients go first: a server that stops waits for theirs to answer its close frame.
    """

    @asynccontextmanager
    async def run(io: Server) -> AsyncIterator[Wire]:
        async with trio.open_nursery() as nursery:
            async with io:
                wire = Wire(io, nursery)
                yield wire
                await wire.aclose()
            nursery.cancel_scope.cancel()

    return run
