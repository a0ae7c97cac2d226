"""The application of the cluster benchmarks, on trio_socketio and Redis; cluster_node.mjs is the same on Node.

It obeys lines: ``burst K N`` emits K events to all clients N times, and prints the number of messages and the processor
time in JSON. ``bus K N`` does the same with an event that is encoded before. ``cpu`` prints the processor time so far.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from typing import Any

import msgspec
import trio
from ours import with_async_handlers

from trio_socketio import Server, Socket
from trio_socketio.adapters import RedisAdapter

#: With the envelope, a message has about 120 bytes.
TEXT = "x" * 50

MARK = b"mark"


def cpu_us() -> float:
    """Return the processor time of this process so far, in microseconds."""
    return time.process_time_ns() / 1e3


class Sender:
    """Emits events to all clients, so many at a time.

    After them it publishes one message of its own, and waits until it comes back: then the others have come back, too.
    """

    def __init__(self, io: Server, adapter: RedisAdapter) -> None:
        self._io, self._adapter = io, adapter
        event = {"type": 2, "data": ["all", 0, TEXT], "nsp": "/"}
        self._event = msgspec.msgpack.encode([adapter.uid, event, {"rooms": [], "except": [], "flags": {}}])
        self._mark = f"mark {os.getpid()}"
        self._is_back = trio.Event()
        adapter.subscribe(self._mark, self._came_back)

    def _came_back(self, channel: str, message: bytes) -> None:
        self._is_back.set()

    async def bursts(self, size: int, number: int, *, encoded: bool) -> dict[str, Any]:
        """Emit ``size`` events ``number`` times; returns how many messages were published, and the time for them.

        If ``encoded``, the event was encoded before, and only the link to Redis and its queue are used.
        """
        await self._adapter.ready()
        before = cpu_us()
        for _ in range(number):
            self._is_back = trio.Event()
            for sequence in range(size):
                if encoded:
                    self._adapter.queue.put("socket.io#/#", self._event)
                else:
                    await self._io.emit("all", sequence, TEXT)
            self._adapter.queue.put(self._mark, MARK)
            await self._is_back.wait()
        return {"messages": (size + 1) * number, "cpu_us": cpu_us() - before}


async def obey(sender: Sender | None) -> None:
    """Obey lines from standard input until it ends."""
    rest = b""
    async for chunk in trio.lowlevel.FdStream(os.dup(0)):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            match line.decode().split():
                case ["burst" | "bus" as word, size, number] if sender is not None:
                    result = await sender.bursts(int(size), int(number), encoded=word == "bus")
                    print(json.dumps(result), flush=True)
                case _:
                    print(json.dumps({"cpu_us": cpu_us()}), flush=True)


async def serve(io: Server, port: int, sender: Sender | None) -> None:
    """Serve until standard input ends, and print the port."""
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(io.serve, "127.0.0.1", port)
        print("PORT", listeners[0].socket.getsockname()[1], flush=True)
        await obey(sender)
        nursery.cancel_scope.cancel()


def main() -> None:
    """Parse the arguments, and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--redis", help="the URL of Redis; default: no adapter")
    parser.add_argument("--local", action="store_true", help='the event "all" is emitted to local clients')
    arguments = parser.parse_args()
    adapter = RedisAdapter(arguments.redis) if arguments.redis else None
    io = Server() if adapter is None else Server(adapter=adapter)
    sender = None if adapter is None else Sender(io, adapter)
    with_async_handlers(io)
    if arguments.local:
        io.off("all")

        @io.on("all")
        async def everybody(socket: Socket, sequence: int, payload: Any) -> None:
            await io.local.emit("all", sequence, payload)

    trio.run(serve, io, arguments.port, sender)


if __name__ == "__main__":
    main()
