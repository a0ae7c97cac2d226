"""A server in a process of its own, which a test can stop with SIGSTOP. It is given its options as JSON.

It says on its standard output which port it has, and when its handler ``block`` begins.
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

from trio_socketio import Server, Socket


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main(certificate: str = "", descriptors: int = 0, **options: Any) -> None:
    io = Server(**options)

    @io.on("block")
    def block(socket: Socket, seconds: float) -> None:
        _say("blocked")
        time.sleep(seconds)

    @io.on("fill")
    async def fill(socket: Socket, megabytes: int) -> None:
        """Send so much with each event, and events without an end."""
        while True:
            await socket.emit("filling", "x" * (megabytes * 1_000_000 or 10))
            await trio.sleep(0.02)

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
