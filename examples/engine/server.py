"""A clock and a mirror over Engine.IO alone: no events, no namespaces, just messages.

    python examples/engine/server.py          # HOST and PORT are read from the environment

From a browser, or from Node after ``npm install engine.io-client``:

    const { Socket } = require("engine.io-client");
    const socket = new Socket("ws://127.0.0.1:3000");
    socket.on("message", (message) => console.log(message));
    socket.on("open", () => socket.send("hello"));

Text comes back as text, binary as binary, reversed; each second all who are there are told the time.
"""

from __future__ import annotations

import os
import time

import trio

from trio_socketio import Disconnected, EngineServer, EngineSocket

eio = EngineServer(cors="*")


@eio.on("connection")
async def connection(socket: EngineSocket) -> None:
    """Runs for as long as the client is there; a client that sends faster than this reads has to wait."""
    await socket.send(f"{len(eio.clients)} are here")
    async for message in socket:
        await socket.send(message[::-1])


@eio.on("close")
def close(socket: EngineSocket, reason: str, description: str) -> None:
    print(f"one has gone: {reason} ({description})")


async def tell_the_time() -> None:
    while True:
        now = time.strftime("%H:%M:%S")
        for socket in eio.clients:
            try:
                socket.send_nowait(now)
            except Disconnected:
                pass  # by what was sent to another just now
        await trio.sleep(1)


async def main() -> None:
    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "3000"))
    async with eio, trio.open_nursery() as nursery:
        await nursery.start(eio.serve, host, port)
        print(f"serving on ws://{host}:{port}{eio.path}")
        await tell_the_time()


if __name__ == "__main__":
    trio.run(main)
