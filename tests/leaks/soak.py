"""A server whose clients end in every way there is; it reports what stayed behind.

Run by test_leaks.py in a process of its own: ``python soak.py ROUNDS`` prints a line of JSON ten times; what it
keeps itself would count as a leak. A round is 1,000 connections.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import trio

from trio_socketio import Server, Socket


def chat() -> Server:
    io = Server(ping_interval=2, ping_timeout=2, connect_timeout=3, attachment_timeout=3)

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        socket.join("lobby")
        await socket.to("lobby").emit("joined", socket.id)

    @io.on("echo")
    async def echo(socket: Socket, text: str) -> str:
        await io.to("lobby").emit("said", text)
        return text

    @io.on("hang")
    async def hang(socket: Socket) -> None:
        socket.nursery.start_soon(trio.sleep_forever)
        await trio.sleep_forever()

    @io.on("call")
    async def call(socket: Socket) -> None:
        await socket.call("ask")

    return io


def census() -> Counter[str]:
    """Living objects of the package, by type."""
    return Counter(
        type(thing).__qualname__
        for thing in gc.get_objects()
        if str(type(thing).__module__).startswith("trio_socketio")
    )


class MallInfo(ctypes.Structure):
    """What the C library says of its heap (``struct mallinfo2``)."""

    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]


LIBC = ctypes.CDLL(None)
LIBC.mallinfo2.restype = MallInfo


def malloced_bytes() -> int:
    """What the C library has handed out: all C objects, and Python objects of more than 512 bytes."""
    info = LIBC.mallinfo2()
    return int(info.uordblks + info.hblkhd)


def resident_bytes() -> int:
    """Anonymous memory: pages of program files that are read in when code first runs are not counted."""
    LIBC.malloc_trim(0)
    with open("/proc/self/status") as status:
        (line,) = [line for line in status if line.startswith("RssAnon:")]
    return int(line.split()[1]) * 1024


#: Python keeps the names of attributes that were looked up, up to 4,096 of them.
clear_caches = getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache


async def forget_deadlines() -> None:
    """Let Trio forget the cancel scopes that have ended: it keeps up to a thousand with deadlines to come."""
    for _ in range(2000):
        with trio.move_on_after(60):  # noqa: ASYNC100
            pass
    await trio.lowlevel.checkpoint()


async def settle(io: Server) -> dict[str, Any]:
    """Wait until the server is alone again; what is there then."""
    runtime = io._require_runtime()
    with trio.fail_after(20):
        # there is no report when the last client of a server has disconnected
        while runtime.engine.sessions or len(runtime.engine.wheel) or runtime._is_busy:  # noqa: ASYNC110
            await trio.sleep(0.05)
    await forget_deadlines()
    clear_caches()
    gc.collect()
    return {
        "objects": dict(census()),
        "tasks": trio.lowlevel.current_statistics().tasks_living,
        "descriptors": len(os.listdir("/proc/self/fd")),
        "small_blocks": sys.getallocatedblocks(),
        "malloced": malloced_bytes(),
        "resident": resident_bytes(),
    }


async def main(rounds: int) -> None:
    io = chat()
    async with io, trio.open_nursery() as nursery:
        listeners = await nursery.start(io.serve, "127.0.0.1", 0)
        port = listeners[0].socket.getsockname()[1]
        command = [sys.executable, str(Path(__file__).with_name("soak_clients.py")), str(port)]
        run = partial(trio.run_process, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        clients: trio.Process = await nursery.start(run)
        assert clients.stdin is not None and clients.stdout is not None
        for number in range(rounds):
            await clients.stdin.send_all(b"%d\n" % number)
            assert await clients.stdout.receive_some() == b"%d\n" % number
            if (number + 1) % (rounds // 10) == 0:
                json.dumps(await settle(io))  # to look takes memory itself, most of it the first time
                print(json.dumps(await settle(io)), flush=True)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]))
