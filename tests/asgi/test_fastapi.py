"""FastAPI and Socket.IO on one port."""

from __future__ import annotations

import fastapi
import pytest
from conftest import Running

from trio_socketio import Server


@pytest.mark.rows("A3")
@pytest.mark.parametrize("path", ["/async", "/plain"])
async def test_endpoints_emit(running: Running, path: str) -> None:
    app = fastapi.FastAPI()
    io = Server(asgi=app)

    @app.post("/async")
    async def in_trio(number: int) -> None:
        await io.emit("news", number)

    @app.post("/plain")
    def in_a_thread(number: int) -> None:
        io.from_thread.emit("news", number)

    async with running(io) as wire:
        client = await wire.connect()
        assert (await wire.http().request("POST", f"{path}?number=5")).status == 200
        assert await client.receive() == '2["news",5]'
