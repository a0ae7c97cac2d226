"""A server program, which a test can stop with SIGSTOP. Its argument is a JSON object with its options.

It prints its port, a line when its handler ``block`` begins, and the reason of each disconnect.
"""

from __future__ import annotations

import json
import logging
import resource
import ssl
import sys
import time
from typing import Any

import trio

from trio_socketio import Outbox, Server, Socket


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main(certificate: str = "", descriptors: int = 0, **options: Any) -> None:
    io = Server(outbox=Outbox(max_bytes=16_000_000), **options)

    @io.on("block")
    def block(socket: Socket, seconds: float) -> None:
        _say("blocked")
        time.sleep(seconds)

    @io.on("fill")
    def fill(socket: Socket, size: int) -> None:
        socket.emit_nowait("filled", "x" * size)

    @io.on("stream")
    async def stream(socket: Socket) -> None:
        while True:
            await socket.emit("streamed", "x" * 50)
            await trio.sleep(0.02)

    @io.on("disconnect")
    def disconnect(socket: Socket, reason: str) -> None:
        _say(reason)

    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    if descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(
            lambda task_status: io.serve("127.0.0.1", 0, ssl_context=context, task_status=task_status)
        )
        listener = listeners[0].transport_listener if certificate else listeners[0]
        _say(str(listener.socket.getsockname()[1]))


if __name__ == "__main__":
    logging.disable()
    trio.run(lambda: main(**json.loads(sys.argv[1])))
