"""Rooms of 10,000 to 1,000,000 whose sockets are a sink: does one more member cost the same, however many there are?

What a member costs in C is asked of ``members.c``, in the order of memory and in none; what idle clients cost the
interpreter, of ``sessions.py``. The sizes take turns, for a shared machine's memory is faster at some times than at
others.
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

#: What one member takes at most, in bytes, in the larger of the two programs.
MEMBER_BYTES = 6000

#: The largest room may cost so much more for each member than the smallest.
GROWTH = 1.5

Found = dict[str, dict[int, Any]]


def available() -> int:
    """Bytes of memory that can be had without swapping."""
    for line in Path("/proc/meminfo").read_text("utf-8").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def sizes(memory: int) -> list[int]:
    """The sizes that fit into half of the memory."""
    return [size for size in SIZES if size * MEMBER_BYTES <= memory / 2]


def measure(say: Callable[[str], None]) -> Found:
    """Ask every size.

    Returns:
        By kind (``append``, ``append-shuffled``, ..., ``sessions``) and size, the nanoseconds for each member in each
        round; for sessions what the program said.

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
    """How much more a member costs in the largest room than in the smallest, as a factor; None: there is but one."""
    if len(costs) < 2:
        return None
    largest, smallest = (dict(enumerate(costs[pick(costs)])) for pick in (max, min))
    return ratios(largest, smallest)


def table(found: Found) -> Table:
    """Each kind with its figures by size; the growth is only judged where all sizes were measured."""
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
