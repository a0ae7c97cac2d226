"""Starlette alone, and quart-trio, answer through our listener as Starlette and Quart do through uvicorn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import quart
import starlette.applications
import trio
from quart_trio import QuartTrio
from starlette.exceptions import HTTPException
from starlette.requests import Request as StarletteRequest
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    StreamingResponse,
)
from starlette.routing import Mount, Route, WebSocketRoute
from support.comparing import FORM, Request, answers, form
from support.uvicorn_server import uvicorn_running
from support.wire import Rejected, WebSocket
from wsproto.events import CloseConnection

from trio_socketio import Server

REQUESTS: dict[str, Request] = {
    "text": ("GET", "/text/a%20b?number=7", b"", {}),
    "head": ("HEAD", "/text/a", b"", {}),
    "body": ("POST", "/body", b"x" * 100_000, {}),
    "upload": ("POST", "/upload", form(1_000_000), FORM),
    "stream": ("GET", "/stream", b"", {}),
    "file": ("GET", "/file", b"", {}),
    "range": ("GET", "/file", b"", {"Range": "bytes=5-14"}),
    "redirect": ("GET", "/redirect", b"", {}),
    "cookies": ("GET", "/cookies", b"", {"Cookie": "x=1; y=2"}),
    "failure": ("GET", "/fails", b"", {}),
    "refusal": ("GET", "/teapot", b"", {}),
    "missing": ("GET", "/missing", b"", {}),
    "method": ("DELETE", "/body", b"", {}),
}


async def parts() -> AsyncIterator[bytes]:
    for number in range(100):
        yield b"%d," % number


def make_starlette(folder: Path) -> Any:
    async def text(request: StarletteRequest) -> Any:
        return PlainTextResponse(f"{request.path_params['name']} {request.url.query}")

    async def body(request: StarletteRequest) -> Any:
        return JSONResponse(len(await request.body()))

    async def upload(request: StarletteRequest) -> Any:
        async with request.form() as fields:
            file: Any = fields["file"]
            return JSONResponse([fields["name"], file.filename, file.size])

    async def stream(request: StarletteRequest) -> Any:
        return StreamingResponse(parts(), media_type="text/plain")

    async def file(request: StarletteRequest) -> Any:
        return FileResponse(folder / "file.txt")

    async def redirect(request: StarletteRequest) -> Any:
        return RedirectResponse("/text/a")

    async def cookies(request: StarletteRequest) -> Any:
        response = JSONResponse(request.cookies)
        response.set_cookie("a", "1", httponly=True)
        return response

    async def fails(request: StarletteRequest) -> Any:
        raise ValueError("a bug")

    async def teapot(request: StarletteRequest) -> Any:
        raise HTTPException(418, "short and stout", headers={"X-Kind": "teapot"})

    async def ws(socket: Any) -> None:
        await socket.accept(subprotocol="echo")
        message = ""
        while message != "close":
            message = await socket.receive_text()
            await socket.send_text(message)
        await socket.close(4000, "asked")

    async def refuses(socket: Any) -> None:
        raise HTTPException(403, "not you")

    routes = [Route("/text/{name}", text), Route("/body", body, methods=["POST"]), Route("/stream", stream),
              Route("/upload", upload, methods=["POST"]), Route("/file", file), Route("/redirect", redirect),
              Route("/cookies", cookies), Route("/fails", fails), Route("/teapot", teapot),
              WebSocketRoute("/ws", ws), Mount("/below", routes=[WebSocketRoute("/refuses", refuses)])]  # fmt: skip
    return starlette.applications.Starlette(routes=routes)


def make_quart(kind: type[Any]) -> Any:
    """Return an application of Quart or quart-trio. It has no files, because Quart on asyncio may leave them open."""
    app = kind(__name__)

    @app.get("/text/<name>")
    async def text(name: str) -> Any:
        return f"{name} {quart.request.query_string.decode()}", {"Content-Type": "text/plain"}

    @app.post("/body")
    async def body() -> Any:
        return {"size": len(await quart.request.get_data())}

    @app.post("/upload")
    async def upload() -> Any:
        file = (await quart.request.files)["file"]
        return {"name": (await quart.request.form)["name"], "file": file.filename, "size": len(file.read())}

    @app.get("/stream")
    async def stream() -> Any:
        return parts(), {"Content-Type": "text/plain"}

    @app.get("/redirect")
    async def redirect() -> Any:
        return quart.redirect("/text/a")

    @app.get("/cookies")
    async def cookies() -> Any:
        response = quart.jsonify(dict(quart.request.cookies))
        response.set_cookie("a", "1", httponly=True)
        return response

    @app.get("/fails")
    async def fails() -> Any:
        raise ValueError("a bug")

    @app.get("/teapot")
    async def teapot() -> Any:
        quart.abort(418)

    @app.websocket("/ws")
    async def ws() -> None:
        await quart.websocket.accept(subprotocol="echo")
        while True:
            message = await quart.websocket.receive()
            await quart.websocket.send(message)
            if message == "close":
                await quart.websocket.close(4000, "asked")

    @app.websocket("/below/refuses")
    async def refuses() -> None:
        quart.abort(403)

    return app


@pytest.mark.rows("A3")
@pytest.mark.parametrize("framework", ["starlette", "quart"])
async def test_framework_answers_as_under_uvicorn(tmp_path: Path, framework: str) -> None:
    (tmp_path / "file.txt").write_bytes(b"0123456789" * 2000)
    if framework == "starlette":
        ours = theirs = make_starlette(tmp_path)
    else:
        ours, theirs = make_quart(QuartTrio), make_quart(quart.Quart)
    async with uvicorn_running(theirs, "httptools") as their_port, trio.open_nursery() as nursery:
        (listener,) = await nursery.start(Server(asgi=ours).serve, "127.0.0.1", 0)
        seen: list[Any] = [
            (await answers(port, REQUESTS), await conversation(port), await refusal(port))
            for port in (listener.socket.getsockname()[1], their_port)
        ]
        nursery.cancel_scope.cancel()
    for name in REQUESTS:
        assert seen[0][0][name] == seen[1][0][name], name
    assert seen[0][1:] == seen[1][1:]
    assert seen[0][0]["upload"][0] == 200
    assert seen[0][1][-1] == CloseConnection(code=4000, reason="asked")


async def conversation(port: int) -> list[object]:
    """Return the subprotocol and the messages of a WebSocket."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        ws = await WebSocket(stream).open("/ws", subprotocols=["echo"])
        received: list[object] = [ws.accepted.subprotocol]
        for text in ("hello", "ä" * 50_000, "close"):
            await ws.send(text)
            received.append(await ws.receive())
        return [*received, await ws.receive()]


async def refusal(port: int) -> tuple[object, ...]:
    """Return the status and the body with which a WebSocket is refused."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        with pytest.raises(Rejected) as caught:
            await WebSocket(stream).open("/below/refuses")
    return caught.value.args
