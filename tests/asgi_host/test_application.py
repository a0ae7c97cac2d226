"""A server as an ASGI application: paths, refusals, the lifespan, and servers that do not run Trio."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import starlette.applications
import starlette.responses
import starlette.routing
import trio
from support.asgi_server import SEND_ERRORS, Call, websocket_scope
from support.hypercorns import under_hypercorn
from support.logs import warnings
from support.wire import HttpClient, SioClient, WebSocket

from trio_socketio import Server, Socket

pytestmark = pytest.mark.rows("K8")

LIFESPAN = {"type": "lifespan", "asgi": {"version": "3.0"}}
OPEN = "?EIO=4&transport=websocket"


def make_server(**options: Any) -> Server:
    io = Server(**options)

    @io.on("echo")
    def echo(socket: Socket, *args: Any) -> tuple[Any, ...]:
        return args

    return io


@asynccontextmanager
async def http(url: str) -> AsyncIterator[HttpClient]:
    host, port = url.removeprefix("http://").split(":")
    async with await trio.open_tcp_stream(host, int(port)) as stream:
        yield HttpClient(stream)


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[tuple[str, HttpClient]]:
    """``async with serving(app) as (url, client):`` an application under Hypercorn, and a connection to it."""
    async with under_hypercorn(app) as url, http(url) as client:
        yield url, client


async def echoes(url: str, path: str) -> bool:
    async with http(url) as connection:
        websocket = WebSocket(connection.stream)
        await websocket.open(path + OPEN)
        client = await (await SioClient(websocket).start()).connect()
        return bool(await client.call("echo", 1) == [1])


@pytest.mark.rows("A3")
async def test_other_application_has_other_paths() -> None:
    async def page(request: Any) -> Any:
        return starlette.responses.PlainTextResponse("page")

    other = starlette.applications.Starlette(routes=[starlette.routing.Route("/page", page)])
    async with serving(make_server(health_path="/health").asgi(other)) as (url, client):
        assert (await client.request("GET", "/page")).text == "page"
        assert (await client.request("GET", "/elsewhere")).status == 404
        assert (await client.request("GET", "/health")).json["status"] == "ok"
        assert (await client.request("GET", "/socket.io/socket.io.js")).status == 404
        assert await echoes(url, "/socket.io/")


async def test_without_other_application_other_paths_are_not_found() -> None:
    async with serving(make_server().asgi()) as (_url, client):
        assert (await client.request("GET", "/page")).status == 404


async def test_server_that_is_not_running() -> None:
    call = Call(make_server().asgi(), websocket_scope("/page"))
    with pytest.raises(RuntimeError, match="the lifespan of the outer application"):
        await call.run()


@pytest.mark.parametrize(("mount", "path"), [("/below", "/below/socket.io/"), ("/socket.io", "/socket.io/")])
async def test_mounted_below_a_prefix(mount: str, path: str) -> None:
    io = make_server()

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        async with io:
            yield

    routes = [starlette.routing.Mount(mount, io.asgi())]
    app = starlette.applications.Starlette(routes=routes, lifespan=lifespan)
    async with serving(app) as (url, client):
        assert await echoes(url, path)
        opened = await client.request("GET", f"{path}?EIO=4&transport=polling")
        assert opened.text.startswith("0{")


async def test_polling_over_http_2() -> None:
    polling = "/socket.io/?EIO=4&transport=polling"
    async with (
        under_hypercorn(make_server().asgi()) as url,
        httpx.AsyncClient(base_url=url, http1=False, http2=True) as client,
    ):
        opened = await client.get(polling, headers={"Origin": url})
        assert opened.http_version == "HTTP/2"
        target = polling + "&sid=" + opened.text.split('"')[3]
        assert (await client.post(target, content="40")).text == "ok"
        assert (await client.get(target)).text.startswith("40{")


async def test_refusals_have_the_bodies_of_the_engine() -> None:
    async with serving(make_server().asgi()) as (_url, client):
        refused = await client.request("GET", "/socket.io/?EIO=4&transport=polling&sid=none")
        assert (refused.status, refused.json["code"]) == (400, 1)
        origin = {"Origin": "https://elsewhere.test"}
        refused = await client.request("GET", "/socket.io/?EIO=4&transport=polling", headers=origin)
        assert refused.status == 403


async def test_refused_websocket_gets_the_response_if_the_server_can_send_it() -> None:
    io = make_server()
    async with io:
        for extensions in ({}, {"websocket.http.response": {}}):
            scope = websocket_scope(query_string=b"EIO=9&transport=websocket", extensions=extensions)
            call = Call(io.asgi(), scope, {"type": "websocket.connect"})
            await call.run()
            first = await call.sent()
            if extensions:
                assert first["status"] == 400
                assert json.loads((await call.sent())["body"])["code"] == 5
            else:
                assert first["type"] == "websocket.close"


async def test_body_that_is_too_large_is_refused() -> None:
    async with serving(make_server(max_http_buffer_size=1000).asgi()) as (_url, client):
        opened = await client.request("GET", "/socket.io/?EIO=4&transport=polling")
        path = f"/socket.io/?EIO=4&transport=polling&sid={json.loads(opened.text[1:])['sid']}"
        assert (await client.request("POST", path, b"4" + b"x" * 2000)).status == 413


def test_option_for_own_listeners_is_refused() -> None:
    other = starlette.applications.Starlette()
    with pytest.raises(ValueError, match="leave out the option asgi"):
        Server(asgi=other).asgi()


# the lifespan


async def test_server_opens_before_the_other_application_and_closes_before_it() -> None:
    io, seen = make_server(), list[str]()

    @io.on("disconnect")
    def disconnect(socket: Socket) -> None:
        seen.append("disconnect")

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        seen.append(f"starts: {io.health().status}")
        yield
        with pytest.raises(RuntimeError):
            io.health()
        seen.append("ends")

    other = starlette.applications.Starlette(lifespan=lifespan)
    async with serving(io.asgi(other)) as (_, client):
        websocket = WebSocket(client.stream)
        await websocket.open("/socket.io/" + OPEN)
        await (await SioClient(websocket).start()).connect()
    assert seen == ["starts: ok", "disconnect", "ends"]


async def test_other_application_without_lifespan() -> None:
    async def other(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await starlette.responses.PlainTextResponse("other")(scope, receive, send)

    async with serving(make_server().asgi(other)) as (url, client):
        assert (await client.request("GET", "/")).text == "other"
        assert await echoes(url, "/socket.io/")


async def test_other_application_that_fails_to_start() -> None:
    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        raise ValueError("no database")
        yield

    call = Call(
        make_server().asgi(starlette.applications.Starlette(lifespan=lifespan)),
        LIFESPAN,
        {"type": "lifespan.startup"},
    )
    with pytest.raises(ValueError, match="no database"):
        await call.run()
    failed = await call.sent()
    assert failed["type"] == "lifespan.startup.failed"
    assert "no database" in failed["message"]


async def test_server_that_cannot_open_fails_the_start() -> None:
    """An exception alone would mean that the application has no lifespan, and the ASGI server would go on."""
    io = make_server()
    async with io:
        call = Call(io.asgi(), LIFESPAN, {"type": "lifespan.startup"})
        with pytest.raises(RuntimeError, match="already running"):
            await call.run()
    message = "RuntimeError: the server is already running"
    assert await call.sent() == {"type": "lifespan.startup.failed", "message": message}


# clients that disconnect or do not read

SCOPES = {
    "poll": {
        **websocket_scope(),
        "type": "http",
        "method": "GET",
        "query_string": b"EIO=4&transport=polling",
    },
    "page": {**websocket_scope("/page"), "type": "http", "method": "GET"},
    "handshake": websocket_scope(),
    "refused handshake": websocket_scope(query_string=b"EIO=9&transport=websocket"),
    "other WebSocket": websocket_scope("/page"),
}


async def connects() -> dict[str, Any]:
    await trio.lowlevel.checkpoint()
    return {"type": "websocket.connect"}


@pytest.mark.parametrize("error", SEND_ERRORS)
@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
async def test_client_that_disconnects_before_the_answer_is_no_error(
    scope: Any, error: type[Exception], caplog: Any
) -> None:
    async def send(message: Any) -> None:
        raise error("the client has disconnected")

    io = make_server()
    async with io:
        await io.asgi()(scope, connects, send)
    assert not warnings(caplog)


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
async def test_client_that_takes_no_answer_has_a_time_limit(scope: Any, autojump_clock: Any) -> None:
    async def send(message: Any) -> None:
        await trio.sleep_forever()

    io = make_server(request_timeout=3)
    async with io:
        await io.asgi()(scope, connects, send)
        assert trio.current_time() == pytest.approx(3)


# servers that run asyncio


def test_asyncio_server_is_told_of_guests() -> None:
    sent = list[dict[str, Any]]()

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(make_server().asgi()(LIFESPAN, receive, send))
    assert sent[0]["type"] == "lifespan.startup.failed"
    assert "io.guest" in sent[0]["message"]
    with pytest.raises(RuntimeError, match=r"io\.guest"):
        asyncio.run(make_server().asgi()(websocket_scope(), receive, send))
