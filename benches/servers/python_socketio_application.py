"""The application of the benchmarks, on python-socketio. Two other scripts run it with a server."""

from __future__ import annotations

import argparse
import socket
from typing import Any

import socketio


def application(async_mode: str) -> socketio.AsyncServer:
    """Return the server object with its handlers."""
    sio = socketio.AsyncServer(async_mode=async_mode, http_compression=False)

    @sio.on("echo")
    async def echo(sid: str, payload: Any) -> None:
        await sio.emit("echo", payload, to=sid)

    @sio.on("ack")
    async def ack(sid: str, payload: Any) -> Any:
        return payload

    @sio.on("join")
    async def join(sid: str, room: str) -> tuple[()]:
        await sio.enter_room(sid, room)
        return ()

    @sio.on("all")
    async def everybody(sid: str, sequence: int, payload: Any) -> None:
        await sio.emit("all", (sequence, payload))

    @sio.on("room")
    async def room(sid: str, room: str, sequence: int, payload: Any) -> None:
        await sio.emit("room", (sequence, payload), to=room)

    return sio


def listen() -> tuple[socket.socket, str | None]:
    """Listen on the port of the command line, and print it. Return the folder of the certificate, too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", help="a folder with certificate.pem and key.pem")
    arguments = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", arguments.port), backlog=4096)
    print("PORT", listener.getsockname()[1], flush=True)
    return listener, arguments.tls
