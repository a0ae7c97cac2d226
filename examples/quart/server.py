"""Quart and Socket.IO on one port, through quart-trio.

pip install quart-trio
python examples/quart/server.py           # HOST and PORT are read from the environment
"""

from __future__ import annotations

import os

from quart_trio import QuartTrio

from trio_socketio import Server, Socket

app = QuartTrio(__name__)
io = Server(asgi=app)


@app.post("/news/<text>")
async def news(text: str) -> str:
    await io.emit("news", text)
    return ""


@io.on("say")
async def say(socket: Socket, text: str) -> int:
    await io.emit("said", text)
    return len(text)


if __name__ == "__main__":
    io.run(os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "3000")))
