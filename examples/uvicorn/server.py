"""FastAPI under uvicorn, Socket.IO as a guest on a port of its own, and a database driver that only asyncio has.

pip install fastapi uvicorn aiosqlite
python examples/uvicorn/server.py         # PORT and SOCKETIO_PORT are read from the environment
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiosqlite
import uvicorn
from fastapi import FastAPI

from trio_socketio import Server, Socket
from trio_socketio.guest import Guest

PORT, SOCKETIO_PORT = int(os.environ.get("PORT", "3000")), int(os.environ.get("SOCKETIO_PORT", "3001"))

io = Server(cors=f"http://127.0.0.1:{PORT}")  # the pages have another origin


class Program:
    """What handlers and endpoints share while the program runs."""

    guest: Guest
    database: aiosqlite.Connection


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with aiosqlite.connect(":memory:") as Program.database:
        await Program.database.execute("CREATE TABLE said (text TEXT)")
        async with io.guest("127.0.0.1", SOCKETIO_PORT) as Program.guest:
            port = Program.guest.listeners[0].socket.getsockname()[1]
            print(f"Socket.IO on http://127.0.0.1:{port}", flush=True)
            yield


app = FastAPI(lifespan=lifespan)


@app.post("/news/{text}")
async def news(text: str) -> None:
    await Program.guest.run(io.emit, "news", text)


async def store(text: str) -> int:
    """Store a text, in asyncio, and return how many there are."""
    await Program.database.execute("INSERT INTO said VALUES (?)", [text])
    async with Program.database.execute("SELECT count(*) FROM said") as cursor:
        row = await cursor.fetchone()
    return 0 if row is None else int(row[0])


@io.on("say")
async def say(socket: Socket, text: str) -> int:
    await io.emit("said", text)
    return await Program.guest.run_in_asyncio(store, text)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=PORT)
