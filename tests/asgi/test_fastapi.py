"""FastAPI and Socket.IO on one port."""

from __future__ import annotations

from typing import Any

import fastapi
import pytest
from conftest import Running
from support.logs import warnings
from support.raw import request
from trio.testing import wait_all_tasks_blocked

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


async def test_aborted_upload_is_no_error(running: Running, caplog: Any) -> None:
    """Starlette raises ``ClientDisconnect`` then."""
    app, ends = fastapi.FastAPI(), list[str]()

    @app.post("/")
    async def upload(request: fastapi.Request) -> None:
        try:
            await request.body()
        finally:
            ends.append("ended")

    async with running(Server(asgi=app)) as wire:
        stream = wire.stream()
        await stream.send_all(request("/", "Content-Length: 10", method="POST", body=b"five!"))
        await wait_all_tasks_blocked()
        await stream.aclose()
        await wait_all_tasks_blocked()
        assert ends == ["ended"]
    assert not warnings(caplog)
