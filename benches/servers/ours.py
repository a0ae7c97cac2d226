"""The application of the benchmarks, on trio_socketio."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import ssl
from functools import partial
from typing import Any

import trio

from trio_socketio import Server, Socket


def with_async_handlers(io: Server) -> None:
    """Register ``async def`` handlers, which most users write. A worker task runs them."""

    @io.on("echo")
    async def echo(socket: Socket, payload: Any) -> None:
        await socket.emit("echo", payload)

    @io.on("ack")
    async def ack(socket: Socket, payload: Any) -> Any:
        return payload

    @io.on("join")
    async def join(socket: Socket, room: str) -> tuple[()]:
        socket.join(room)
        return ()

    @io.on("all")
    async def everybody(socket: Socket, sequence: int, payload: Any) -> None:
        await io.emit("all", sequence, payload)

    @io.on("room")
    async def room(socket: Socket, room: str, sequence: int, payload: Any) -> None:
        await io.to(room).emit("room", sequence, payload)


def with_plain_handlers(io: Server) -> None:
    """Register plain functions, which are called in the task that received the event."""

    @io.on("echo")
    def echo(socket: Socket, payload: Any) -> None:
        socket.emit_nowait("echo", payload)

    @io.on("ack")
    def ack(socket: Socket, payload: Any) -> Any:
        return payload

    @io.on("join")
    def join(socket: Socket, room: str) -> tuple[()]:
        socket.join(room)
        return ()

    @io.on("all")
    def everybody(socket: Socket, sequence: int, payload: Any) -> None:
        io.emit_nowait("all", sequence, payload)

    @io.on("room")
    def room(socket: Socket, room: str, sequence: int, payload: Any) -> None:
        io.to(room).emit_nowait("room", sequence, payload)


async def serve(io: Server, port: int, context: ssl.SSLContext | None) -> None:
    """Serve, and print the port."""
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(io.serve, "127.0.0.1", port, ssl_context=context))
        listener = listeners[0] if context is None else listeners[0].transport_listener
        print("PORT", listener.socket.getsockname()[1], flush=True)


async def serve_as_guest(io: Server, port: int) -> None:
    """Serve as a guest of asyncio, and print the port."""
    async with io.guest("127.0.0.1", port) as guest:
        print("PORT", guest.listeners[0].socket.getsockname()[1], flush=True)
        await asyncio.get_running_loop().create_future()


def certified(folder: str | None) -> ssl.SSLContext | None:
    """Return a context with the certificate in a folder, or None."""
    if folder is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(f"{folder}/certificate.pem", f"{folder}/key.pem")
    return context


def main() -> None:
    """Parse the arguments, and serve until a signal arrives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--handlers", choices=("async", "def"), default="async")
    parser.add_argument("--driver", choices=("auto", "stream"), default="auto")
    parser.add_argument("--loop", choices=("trio", "asyncio"), default="trio")
    parser.add_argument(
        "--http", choices=("h11", "httptools"), help="what parses HTTP; default: the server's"
    )
    parser.add_argument("--asgi", action="store_true", help="with a web application beside the engine")
    parser.add_argument("--tls", help="a folder with certificate.pem and key.pem")
    arguments = parser.parse_args()
    options: Any = {} if arguments.driver == "auto" else {"driver": arguments.driver}
    if arguments.asgi:
        options["asgi"] = importlib.import_module("hello_application").app
    if arguments.http:
        options["http"] = arguments.http
    io = Server(**options)
    (with_async_handlers if arguments.handlers == "async" else with_plain_handlers)(io)
    if arguments.loop == "asyncio":
        asyncio.run(serve_as_guest(io, arguments.port))
    else:
        trio.run(serve, io, arguments.port, certified(arguments.tls))


if __name__ == "__main__":
    main()
