"""FastAPI and Socket.IO on one port: a page, a JSON endpoint that emits, and logging in by FastAPI's session cookie.

pip install fastapi itsdangerous
python examples/fastapi/server.py         # HOST and PORT are read from the environment
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse
from starlette.middleware.sessions import SessionMiddleware

from trio_socketio import ConnectRefused, Server, Socket

SECRET = os.environ.get("SECRET") or secrets.token_hex()

app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key=SECRET)
io = Server(asgi=app)


@app.get("/")
async def page() -> FileResponse:
    return FileResponse(Path(__file__).with_name("page.html"))


@app.post("/login/{name}")
async def login(request: Request, name: str) -> dict[str, str]:
    request.session["name"] = name
    return {"name": name}


@app.post("/news/{text}")
async def news(text: str) -> dict[str, int]:
    await io.emit("news", text)
    return {"clients": len(io.sockets)}


@app.post("/news-from-a-thread/{text}")
def news_from_a_thread(text: str) -> None:
    io.from_thread.emit("news", text)


async def session_of(cookies: str) -> dict[str, Any]:
    """Return the session in a Cookie header, which FastAPI's own middleware reads and verifies."""
    scope: dict[str, Any] = {"type": "websocket", "headers": [(b"cookie", cookies.encode("latin-1"))]}

    async def done(*args: Any) -> Any:
        pass

    await SessionMiddleware(done, secret_key=SECRET)(scope, done, done)
    session: dict[str, Any] = scope["session"]
    return session


@io.use
async def require_login(socket: Socket) -> None:
    session = await session_of(socket.handshake.headers.get("cookie", ""))
    if "name" not in session:
        raise ConnectRefused("log in first")
    socket.data["name"] = session["name"]


@io.on("say")
async def say(socket: Socket, text: str) -> str:
    name: str = socket.data["name"]
    await io.emit("said", name, text)
    return name


if __name__ == "__main__":
    io.run(os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "3000")))
