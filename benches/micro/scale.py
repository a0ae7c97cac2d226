"""Measures whether the cost of a room's member depends on the size of the room: 10,000 to 1,000,000 members.

``members.c`` measures the cost of a member in C, with members in the order of memory and in random order.
``sessions.py`` measures the cost of idle clients in Python. The output of all sockets is discarded. The sizes take
turns, because the speed of memory varies with time on a shared machine.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.figures import Spread, kilobytes, ratios
from harness.goals import verdict
from harness.processes import Cores, FailedError
from harness.table import Table, times
from micro.measure import Answer
from micro.programs import Version, build, nanoseconds, run

SIZES = (10_000, 100_000, 1_000_000)

ROUNDS = 5

#: The largest memory of one member in bytes, in the larger of the two programs.
MEMBER_BYTES = 6000

#: A goal: the cost of a member in the largest room, divided by that in the smallest, is at most this.
GROWTH = 1.5

Found = dict[str, dict[int, Any]]


def available() -> int:
    """Return how many bytes of memory are available without swapping."""
    for line in Path("/proc/meminfo").read_text("utf-8").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def sizes(memory: int) -> list[int]:
    """Return the sizes that fit into half of the memory."""
    return [size for size in SIZES if size * MEMBER_BYTES <= memory / 2]


def measure(say: Callable[[str], None]) -> Found:
    """Run the programs with each size.

    Returns:
        The nanoseconds for a member in each round, by kind (``append``, ``append-shuffled``, ...) and size. For the
        kind ``sessions``, the output of the program by size.

    Raises:
        FailedError: a program failed.
    """
    version, core = Version(), Cores.choose().server
    build(version)
    found: Found = {}
    possible = sizes(available())
    for number in range(ROUNDS):
        say(f"sink: round {number + 1} of {ROUNDS}")
        for size in possible:
            for order in ((), ("shuffled",)):
                for line in run(version, "members", str(size), *order, core=core):
                    answer = Answer.read(line)
                    kind = answer.name.replace(f"-{size}", "")
                    found.setdefault(kind, {}).setdefault(size, []).append(answer.ns)
    for size in possible:
        say(f"sink: {size:,} idle clients")
        (line,) = run(version, "sessions", str(size), core=core)
        found.setdefault("sessions", {})[size] = json.loads(line)
    if not found:
        raise FailedError("there is not enough memory for any size")
    return found


def growth(costs: Mapping[int, Sequence[float]]) -> Spread | None:
    """Divide the cost of a member in the largest room by that in the smallest. Return None for a single size."""
    if len(costs) < 2:
        return None
    largest, smallest = (dict(enumerate(costs[pick(costs)])) for pick in (max, min))
    return ratios(largest, smallest)


def table(found: Found) -> Table:
    """Make a table of the figures by kind and size. Judge the growth only if all sizes were measured."""
    measured = sorted({size for costs in found.values() for size in costs})
    rows = []
    for kind, costs in found.items():
        if kind == "sessions":
            continue
        factor = growth(costs)
        judged = verdict(factor, GROWTH, higher=False) if factor and tuple(costs) == SIZES else ""
        cells = (nanoseconds(statistics.median(costs[size])) if size in costs else "" for size in measured)
        rows.append((kind, "member", *cells, times(factor) if factor else "", judged))
    for key, title, per, show in (
        ("rss_bytes", "memory", "client", kilobytes),
        ("tracked", "objects for the collector", "client", "{:.2f}".format),
        ("pause_ms", "full collection", "pause", "{:.1f} ms".format),
        ("open_us", "connecting", "client", "{:.0f} µs".format),
    ):
        said = found.get("sessions", {})
        cells = (show(said[size][key]) if size in said else "" for size in measured)
        rows.append((title, per, *cells, "", ""))
    columns = ("", "per", *(f"{size:,}" for size in measured), f"growth, at most {GROWTH}x", "")
    return Table("A room whose sockets are a sink, by its members", columns, rows)
