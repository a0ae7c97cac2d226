"""A guest beside frameworks of asyncio: FastAPI under uvicorn, and aiohttp."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import fastapi
import pytest
import trio
import uvicorn
from aiohttp import web
from support.guests import DEADLINE, connected, in_asyncio
from support.wire import SioClient

from trio_socketio import Server, Socket
from trio_socketio.guest import Guest

pytestmark = pytest.mark.rows("K10")


def make_server() -> Server:
    io = Server()

    @io.on("echo")
    async def echo(socket: Socket, *args: Any) -> tuple[Any, ...]:
        return args

    return io


async def check(guest: Guest, url: str, client: SioClient) -> None:
    """Post news to the framework, which emits them."""
    assert await guest.run(client.call, "echo", 1) == [1]
    async with aiohttp.ClientSession() as session, session.post(f"{url}/news/hello") as answer:
        assert answer.status == 200
    assert await guest.run(client.event) == ["news", "hello"]


def configuration(app: fastapi.FastAPI) -> uvicorn.Config:
    return uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="on", log_config=None, ws="none")


@asynccontextmanager
async def served_by_uvicorn(app: fastapi.FastAPI) -> AsyncIterator[str]:
    started = asyncio.Event()

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            started.set()

    server = Announcing(configuration(app))
    task = asyncio.create_task(server.serve())
    await started.wait()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


def make_app(io: Server, guests: list[Guest], port: int = 0) -> fastapi.FastAPI:
    @asynccontextmanager
    async def lifespan(app: fastapi.FastAPI) -> AsyncIterator[None]:
        async with io.guest("127.0.0.1", port) as guest:
            guests.append(guest)
            yield

    app = fastapi.FastAPI(lifespan=lifespan)

    @app.post("/news/{text}")
    async def news(text: str) -> None:
        await guests[0].run(io.emit, "news", text)

    return app


@in_asyncio
async def test_fastapi_under_uvicorn_holds_a_guest_in_its_lifespan() -> None:
    io, guests = make_server(), list[Guest]()
    async with served_by_uvicorn(make_app(io, guests)) as url:
        async with connected(guests[0]) as client:
            await check(guests[0], url, client)
    assert not trio.lowlevel.in_trio_run()


class Bug(Exception):
    """Raised by the test."""


@in_asyncio
async def test_server_that_ends_leaves_its_error_in_the_log_of_uvicorn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The application's lifespan ends with the error of the server. uvicorn goes on serving the application."""
    io, guests, ended = make_server(), list[Guest](), asyncio.Event()

    @asynccontextmanager
    async def lifespan(app: fastapi.FastAPI) -> AsyncIterator[None]:
        try:
            async with io.guest("127.0.0.1", 0) as guest:
                guests.append(guest)
                yield
        finally:
            ended.set()

    async def fail() -> None:
        raise Bug("of the server")

    async with served_by_uvicorn(fastapi.FastAPI(lifespan=lifespan)) as url:
        io._require_runtime().nursery.start_soon(fail)
        await ended.wait()
        with pytest.raises(RuntimeError, match="the guest has ended"):
            await guests[0].run(io.emit, "news")
        async with aiohttp.ClientSession() as session, session.get(f"{url}/docs") as answer:
            assert answer.status == 200
    assert "Bug: of the server" in caplog.text
    assert "CancelledError" not in caplog.text


@in_asyncio
async def test_failed_bind_ends_the_start_of_uvicorn(caplog: pytest.LogCaptureFixture) -> None:
    io = make_server()
    async with io.guest("127.0.0.1", 0) as other:
        port = other.listeners[0].socket.getsockname()[1]

        def in_thread() -> None:
            asyncio.run(uvicorn.Server(configuration(make_app(make_server(), [], port))).serve())

        with pytest.raises(SystemExit):
            await asyncio.to_thread(in_thread)
    (line,) = [line for line in caplog.text.splitlines() if line.startswith("OSError")]
    assert "uvicorn --workers" in line


@in_asyncio
async def test_aiohttp_holds_a_guest() -> None:
    io, guests = make_server(), list[Guest]()

    async def guest_context(app: web.Application) -> AsyncIterator[None]:
        async with io.guest("127.0.0.1", 0) as guest:
            guests.append(guest)
            yield

    async def news(request: web.Request) -> web.Response:
        io.from_thread.emit_soon("news", request.match_info["text"])
        return web.Response()

    app = web.Application()
    app.cleanup_ctx.append(guest_context)
    app.router.add_post("/news/{text}", news)
    runner = web.AppRunner(app, shutdown_timeout=DEADLINE)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        async with connected(guests[0]) as client:
            await check(guests[0], f"http://127.0.0.1:{port}", client)
    finally:
        await runner.cleanup()
    assert not trio.lowlevel.in_trio_run()


@in_asyncio
async def test_handlers_use_clients_of_aiohttp() -> None:
    io, guests = make_server(), list[Guest]()

    async def get(url: str) -> int:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status

    @io.on("fetch")
    async def fetch(socket: Socket, url: str) -> int:
        return await guests[0].run_in_asyncio(get, url)

    async with served_by_uvicorn(make_app(io, guests)) as url:
        async with connected(guests[0]) as client:
            assert await guests[0].run(client.call, "fetch", f"{url}/openapi.json") == [200]
            assert await guests[0].run(client.call, "fetch", f"{url}/elsewhere") == [404]
