"""Applications of Starlette and FastAPI answer through our listener as they do through uvicorn."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import fastapi
import pytest
import trio
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, StreamingResponse
from support.comparing import FORM, Request, answers, form
from support.raw import read_until, request
from support.uvicorn_server import uvicorn_running
from support.wire import HttpClient, Rejected, WebSocket
from wsproto.events import CloseConnection

from trio_socketio import Server


def make_app(folder: Path) -> fastapi.FastAPI:
    @asynccontextmanager
    async def lifespan(app: fastapi.FastAPI) -> AsyncIterator[dict[str, int]]:
        yield {"number": 5}

    app = fastapi.FastAPI(lifespan=lifespan)
    file = folder / "file.txt"
    file.write_bytes(b"0123456789" * 20_000)
    done: list[str] = []

    @app.get("/json/{name}")
    async def get_json(name: str, number: int = 1) -> dict[str, Any]:
        return {"name": name, "number": number}

    @app.get("/plain")
    def plain() -> str:
        return "from a thread"

    @app.get("/scope")
    async def scope(request: fastapi.Request) -> dict[str, Any]:
        scope = request.scope
        return {
            "path": scope["path"],
            "raw_path": scope["raw_path"].decode(),
            "root_path": scope["root_path"],
            "query": scope["query_string"].decode(),
            "asgi": scope["asgi"],
            "http": scope["http_version"],
            "scheme": scope["scheme"],
            "host": scope["client"][0],
            "headers": sorted((n.decode(), v.decode()) for n, v in scope["headers"] if n != b"host"),
            "state": request.state.number,
        }

    @app.get("/scope/{rest:path}")
    async def below(request: fastapi.Request) -> dict[str, Any]:
        return {"path": request.scope["path"], "raw_path": request.scope["raw_path"].decode()}

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for number in range(100):
                yield b"%d," % number

        return StreamingResponse(parts(), media_type="text/plain")

    @app.get("/events")
    async def events() -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            for number in range(3):
                yield f"data: {number}\n\n"

        return StreamingResponse(parts(), media_type="text/event-stream")

    @app.api_route("/file", methods=["GET", "HEAD"])
    async def get_file() -> FileResponse:
        return FileResponse(file, filename="name ä.txt")

    @app.post("/upload")
    async def upload(file: fastapi.UploadFile, name: Annotated[str, fastapi.Form()]) -> dict[str, Any]:
        body = await file.read()
        return {"name": name, "file": file.filename, "size": len(body), "sum": sum(body[:1000])}

    @app.post("/body")
    async def body(request: fastapi.Request) -> dict[str, int]:
        return {"size": len(await request.body())}

    @app.post("/ignores-body")
    async def ignores_body() -> dict[str, int]:
        return {}

    @app.get("/redirect")
    async def redirect() -> RedirectResponse:
        return RedirectResponse("/plain")

    @app.get("/cookies")
    async def cookies(request: fastapi.Request) -> JSONResponse:
        response = JSONResponse(request.cookies)
        response.set_cookie("a", "1", httponly=True)
        response.set_cookie("b", "2")
        return response

    @app.get("/fails")
    async def fails() -> None:
        raise ValueError("a bug")

    @app.get("/teapot")
    async def teapot() -> None:
        raise fastapi.HTTPException(418, "short and stout", headers={"X-Kind": "teapot"})

    @app.get("/nothing", status_code=204)
    async def nothing() -> None:
        return None

    async def finish() -> None:
        done.append("done")

    @app.get("/background")
    async def background(tasks: fastapi.BackgroundTasks) -> list[str]:
        tasks.add_task(finish)
        return done

    @app.websocket("/ws")
    async def ws(socket: fastapi.WebSocket) -> None:
        await socket.accept(subprotocol="echo", headers=[(b"x-answer", b"1")])
        while (text := await socket.receive_text()) != "close":
            await socket.send_text(text)
        await socket.close(4000, "asked")

    @app.websocket("/refuses")
    async def refuses(socket: fastapi.WebSocket) -> None:
        await socket.close()

    @app.websocket("/denies")
    async def denies(socket: fastapi.WebSocket) -> None:
        raise fastapi.HTTPException(401, "log in first")

    return app


REQUESTS: dict[str, Request] = {
    "json": ("GET", "/json/a%20b?number=7", b"", {}),
    "validation": ("GET", "/json/a?number=x", b"", {}),
    "thread": ("GET", "/plain", b"", {}),
    "scope": ("GET", "/scope?a=%20b&c", b"", {"X-One": "1", "X-Two": "a, b"}),
    "escaped path": ("GET", "/scope/a%2Fb%C3%A4", b"", {}),
    "stream": ("GET", "/stream", b"", {}),
    "events": ("GET", "/events", b"", {}),
    "file": ("GET", "/file", b"", {}),
    "head": ("HEAD", "/file", b"", {}),
    "range": ("GET", "/file", b"", {"Range": "bytes=5-14"}),
    "ranges beyond": ("GET", "/file", b"", {"Range": "bytes=999999-"}),
    "upload": ("POST", "/upload", form(10_000_000), FORM),
    "bad form": ("POST", "/upload", b"no form", FORM),
    "body": ("POST", "/body", b"x" * 100_000, {}),
    "ignored body": ("POST", "/ignores-body", b"abc", {}),
    "redirect": ("GET", "/redirect", b"", {}),
    "slash": ("GET", "/plain/", b"", {}),
    "cookies": ("GET", "/cookies", b"", {"Cookie": "x=1; y=2"}),
    "failure": ("GET", "/fails", b"", {}),
    "teapot": ("GET", "/teapot", b"", {}),
    "no content": ("GET", "/nothing", b"", {}),
    "missing": ("GET", "/missing", b"", {}),
    "method": ("DELETE", "/plain", b"", {}),
}


@pytest.fixture(params=[("h11", ""), ("httptools", "/api")], ids=["h11", "httptools, below a prefix"])
async def ports(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[int, int]]:
    """The ports of our server and of uvicorn, which serve the same application."""
    app = make_app(tmp_path)
    http, root_path = request.param
    io = Server(asgi=app, asgi_root_path=root_path)
    async with uvicorn_running(app, http, root_path) as theirs, trio.open_nursery() as nursery:
        (listener,) = await nursery.start(io.serve, "127.0.0.1", 0)
        yield listener.socket.getsockname()[1], theirs
        nursery.cancel_scope.cancel()


@pytest.mark.rows("A3")
async def test_responses_equal_those_of_uvicorn(ports: tuple[int, int]) -> None:
    ours, theirs = [await answers(port, REQUESTS) for port in ports]
    for name, answer in theirs.items():
        assert ours[name] == answer, name
    assert ours["upload"][0] == 200
    assert json.loads(ours["upload"][2])["size"] == 10_000_000
    assert ours["range"][0] == 206
    assert ours["failure"][0] == 500


async def test_requests_share_a_connection_as_with_uvicorn(ports: tuple[int, int]) -> None:
    for port in ports:
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            client = HttpClient(stream)
            for target in ("/json/a", "/stream", "/background", "/file"):
                assert (await client.request("GET", target)).status == 200
            assert (await client.request("POST", "/upload", form(1_000_000), FORM)).status == 200
            assert (await client.request("GET", "/background")).json[0] == "done"


async def test_expectation_is_answered_as_by_uvicorn(ports: tuple[int, int]) -> None:
    for port in ports:
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            fields = ("Content-Length: 3", "Expect: 100-continue")
            await stream.send_all(request("/body", *fields, method="POST"))
            assert (await read_until(stream, b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
            await stream.send_all(b"abc")
            assert (await read_until(stream, b'{"size":3}')).startswith(b"HTTP/1.1 200 ")


async def test_websockets_behave_as_with_uvicorn(ports: tuple[int, int]) -> None:
    for port in ports:
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            ws = await WebSocket(stream).open("/ws", subprotocols=["other", "echo"])
            assert ws.accepted.subprotocol == "echo"
            assert (b"x-answer", b"1") in ws.accepted.extra_headers
            for text in ("hello", "ä" * 50_000):
                await ws.send(text)
                assert await ws.receive() == text
            await ws.send("close")
            assert await ws.receive() == CloseConnection(code=4000, reason="asked")
        for target, answer in (("/refuses", (403, b"")), ("/denies", (401, b'{"detail":"log in first"}'))):
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                with pytest.raises(Rejected) as caught:
                    await WebSocket(stream).open(target)
                assert caught.value.args == answer
