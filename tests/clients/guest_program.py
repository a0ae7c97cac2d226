"""A Socket.IO server as a guest of FastAPI under uvicorn, for real clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import fastapi
import trio
import uvicorn

from trio_socketio import Server, Socket
from trio_socketio.guest import Guest

io = Server(allow_eio3=True, ping_interval=3.0)
guests: list[Guest] = []


@io.on("echo")
async def echo(socket: Socket, *args: Any) -> tuple[Any, ...]:
    await socket.emit("echo", *args)
    return args


@io.on("ask")
async def ask(socket: Socket, *args: Any) -> None:
    with trio.fail_after(10):
        await socket.emit("told", *await socket.call("question", *args))


@io.on("join")
async def join(socket: Socket, room: str) -> str:
    socket.join(room)
    return room


@io.on("say")
async def say(socket: Socket, room: str, *args: Any) -> None:
    await io.to(room).emit("said", *args)


@io.on("query")
async def query(socket: Socket, value: int) -> int:
    return await guests[0].run_in_asyncio(in_asyncio, value)


async def in_asyncio(value: int) -> int:
    await asyncio.sleep(0)
    await guests[0].run(io.emit, "queried", value)
    return value * 2


@io.on("kick")
async def kick(socket: Socket) -> None:
    socket.conn.close()


@asynccontextmanager
async def lifespan(app: fastapi.FastAPI) -> AsyncIterator[None]:
    async with io.guest("127.0.0.1", 0) as guest:
        guests.append(guest)
        print(guest.listeners[0].socket.getsockname()[1], flush=True)
        yield


if __name__ == "__main__":
    uvicorn.run(fastapi.FastAPI(lifespan=lifespan), host="127.0.0.1", port=0, log_level="warning", ws="none")
