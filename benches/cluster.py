"""Measure clusters: ``make bench-cluster``. Two servers on one Redis, beside Node's with @socket.io/redis-adapter.

It measures the processor time of a message with and without encoding it, of a delivery to 1000 clients on each server,
of a local broadcast with and without the adapter, and of an echo over workers. The servers take turns within each
round.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from harness import cluster, install, places
from harness.display import say, show
from harness.figures import Spread, human, microseconds
from harness.goals import verdict
from harness.processes import Cores, FailedError, Result, raise_file_limit
from harness.results import Measurement, Record, describe
from harness.table import Table, times


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="benches/cluster.py", description=__doc__)
    parser.add_argument("--only", choices=("messages", "broadcast", "local", "workers"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="the window of a measurement")
    return parser.parse_args(words)


#: Each goal: the text, the dividend, the divisor, the figure, the factor, and whether the ratio must be at least that.
GOALS: tuple[tuple[str, tuple[str, str], tuple[str, str], str, float, bool], ...] = (
    *(
        (
            f"CPU of a published message, {size} in flight",
            (f"messages-{size}", "redis@6"),
            (f"messages-{size}", "ours"),
            "publish_us",
            factor,
            True,
        )
        for size, factor in ((16, 3.0), (100, 5.0))
    ),
    *(
        (
            f"CPU of a received message, {size} in flight",
            (f"messages-{size}", "redis@6"),
            (f"messages-{size}", "ours"),
            "receive_us",
            1.0,
            True,
        )
        for size in (16, 100)
    ),
    (
        "CPU of a local delivery, with adapter against without",
        ("local", "with"),
        ("local", "without"),
        "server_cpu_us_per_delivery",
        1.05,
        False,
    ),
    ("CPU of an echo, 2 workers against 1", ("workers", "2"), ("workers", "1"), "echo_us", 1.15, False),
)


def turns(asked: argparse.Namespace, cores: Cores) -> list[tuple[str, str, Callable[[], dict[str, Result]]]]:
    """List the measurements of a round: the case, the server, and what makes them."""
    seconds = asked.seconds
    listed: list[tuple[str, str, Callable[[], dict[str, Result]]]] = []
    for name in cluster.SERVERS:
        listed += [
            ("messages", name, lambda name=name: _by_size(cluster.messages(name, cores))),
            ("broadcast", name, lambda name=name: {"broadcast": cluster.broadcast(name, cores, seconds)}),
        ]
    for kind, has_adapter in (("without", False), ("with", True)):
        listed.append(
            (
                "local",
                kind,
                lambda has_adapter=has_adapter: {"local": cluster.local(has_adapter, cores, seconds)},
            )
        )
    for number in (1, 2):
        listed.append(
            (
                "workers",
                str(number),
                lambda number=number: {"workers": cluster.workers(number, cores, 2 * seconds)},
            )
        )
    return [turn for turn in listed if asked.only in (None, turn[0])]


def _by_size(found: dict[int, Result]) -> dict[str, Result]:
    return {f"messages-{size}": result for size, result in found.items()}


def take(record: Record, asked: argparse.Namespace) -> None:
    """Make all measurements. A failure is recorded, and the run continues."""
    cores = Cores.choose()
    for number in range(asked.rounds):
        listed = turns(asked, cores)
        start = number % len(listed)
        for case, name, measure in listed[start:] + listed[:start]:
            try:
                found = measure()
            except FailedError as error:
                record.failures.append(f"{case}, {name}: {error}")
                continue
            for key, result in found.items():
                record.measurements.append(Measurement(key, name, number, result))
            say(f"round {number + 1}: {case}, {name}")


#: The figures of a case in its table, with the functions that format them.
FIGURES: dict[str, Callable[[float], str]] = {
    "publish_us": microseconds,
    "bus_us": microseconds,
    "receive_us": microseconds,
    "sender_us": microseconds,
    "receiver_us": microseconds,
    "server_cpu_us_per_delivery": microseconds,
    "echo_us": microseconds,
    "rate": human,
    "missing": human,
    "errors": human,
}


def results_table(record: Record) -> Table:
    """Make a table of all figures."""
    rows = []
    for case, names in record.measured().items():
        for name in names:
            for key, form in FIGURES.items():
                if (spread := record.spread(case, name, key)) is not None:
                    rows.append((case, name, key, form(spread.median), _range(spread, form), ""))
    return Table("Median of the rounds", ("case", "server", "figure", "median", "spread", ""), rows)


def _range(spread: Spread, form: Callable[[float], str]) -> str:
    return f"{form(spread.low)}..{form(spread.high)}"


def goals_table(record: Record) -> Table:
    """Make a table of the goals, and whether this run reached them."""
    rows = []
    for text, dividend, divisor, key, factor, higher in GOALS:
        ratio = record.ratio(dividend, divisor, key)
        if ratio is not None:
            wanted = f"{'≥' if higher else '≤'} {factor:.2f}x"
            rows.append(
                (
                    text,
                    f"{dividend[1]} / {divisor[1]}",
                    wanted,
                    times(ratio),
                    verdict(ratio, factor, higher=higher),
                )
            )
    return Table("Goals", ("goal", "ratio", "wanted", "this run", ""), rows)


def main(words: Sequence[str]) -> int:
    """Run all measurements, print the results and save them. Return 1 if one of our own failed, else 0."""
    asked = arguments(words)
    start = time.monotonic()
    raise_file_limit()
    try:
        install.c()
        install.npm()
    except install.MissingError as error:
        say(f"cannot be installed: {error}")
        return 1
    record = Record(describe(install.versions(), words))
    take(record, asked)
    show(results_table(record))
    show(goals_table(record))
    for failure in record.failures:
        say(f"failed: {failure}")
    say(f"saved: {record.save('cluster').relative_to(places.ROOT)}, after {time.monotonic() - start:.0f} s")
    return 1 if record.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
