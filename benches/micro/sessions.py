"""Measures the memory of N idle clients, and the pauses of the garbage collector: ``sessions.py N``, for bench-scale.

Sessions and Socket.IO sockets are real, and opened through the engine. They use no sockets of the system.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path

import trio
import trio.testing

from micro.sink import open_session
from trio_socketio import Server

#: How many clients connect before the measurement. They make the server allocate objects that it needs only once.
FIRST = 50

COLLECTIONS = 5

#: A ping interval so long that no heartbeat is due during the run.
HOUR = 3_600.0


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text("utf-8").splitlines())
    return int(fields["VmRSS"].split()[0]) * 1024


def collect() -> float:
    """Return the seconds of a full garbage collection, the shortest of several."""
    times = []
    for _ in range(COLLECTIONS):
        start = time.perf_counter()
        gc.collect()
        times.append(time.perf_counter() - start)
    return min(times)


async def main(count: int) -> None:
    """Open this many sessions, and print the results as a line of JSON."""
    io = Server(ping_interval=HOUR)
    async with io:
        for _ in range(FIRST):
            open_session(io)
        empty, objects, pause = resident(), len(gc.get_objects()), collect()
        longest, start = 0.0, time.perf_counter()
        for _ in range(count):
            before = time.perf_counter()
            open_session(io)
            longest = max(longest, time.perf_counter() - before)
        seconds = time.perf_counter() - start
        await trio.testing.wait_all_tasks_blocked()
        gc.collect()
        found = {
            "members": count,
            "open_us": seconds / count * 1e6,
            "longest_open_ms": longest * 1e3,
            "rss_bytes": (resident() - empty) / count,
            "tracked": (len(gc.get_objects()) - objects) / count,
            "pause_ms": collect() * 1e3,
            "pause_empty_ms": pause * 1e3,
        }
        if len(io.sockets) != count + FIRST:
            raise RuntimeError(f"{len(io.sockets)} of {count + FIRST} are connected")
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]))
