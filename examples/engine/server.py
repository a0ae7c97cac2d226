"""A clock and a reversing echo over Engine.IO alone: messages, without events and namespaces.

    python examples/engine/server.py          # HOST and PORT are read from the environment

From a browser, or from Node after ``npm install engine.io-client``:

    const { Socket } = require("engine.io-client");
    const socket = new Socket("ws://127.0.0.1:3000");
    socket.on("message", (message) => console.log(message));
    socket.on("open", () => socket.send("hello"));

The server sends each message back reversed, text as text and binary as binary. It also sends the time every second.
"""

from __future__ import annotations

import os
import time

import trio

from trio_socketio import EngineServer, EngineSocket

eio = EngineServer(cors="*")


@eio.on("connection")
async def connection(socket: EngineSocket) -> None:
    """Run until the client disconnects. A client that sends faster than this reads has to wait."""
    socket.nursery.start_soon(tell_the_time, socket)
    await socket.send(f"connected clients: {len(eio.clients)}")
    async for message in socket:
        await socket.send(message[::-1])


async def tell_the_time(socket: EngineSocket) -> None:
    """Send the time every second. The task is cancelled when the socket ends, as all tasks of its nursery are."""
    while True:
        await trio.sleep(1)
        await socket.send(time.strftime("%H:%M:%S"))


@eio.on("close")
def close(socket: EngineSocket, reason: str, description: str) -> None:
    print(f"a client disconnected: {reason} ({description})")


if __name__ == "__main__":
    eio.run(os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "3000")))
