"""FastAPI and Socket.IO on one port under Hypercorn, with HTTP/2 and whatever else Hypercorn does.

    pip install fastapi hypercorn
    python examples/hypercorn/server.py       # PORT is read from the environment

or, in this folder, ``hypercorn --worker-class trio server:application``.
"""

from __future__ import annotations

import os
from typing import Any

import hypercorn.config
import hypercorn.trio
import trio
from fastapi import FastAPI

from trio_socketio import Server, Socket

app = FastAPI()
io = Server()
application: Any = io.asgi(app)


@app.post("/news/{text}")
async def news(text: str) -> None:
    await io.emit("news", text)


@io.on("say")
async def say(socket: Socket, text: str) -> int:
    await io.emit("said", text)
    return len(text)


if __name__ == "__main__":
    config = hypercorn.config.Config()
    config.bind = [f"127.0.0.1:{os.environ.get('PORT', '3000')}"]
    trio.run(hypercorn.trio.serve, application, config)
