"""Compare this server with others: ``make bench``; ``make bench ARGS="--only echo --rounds 5 --servers ours,node"``.

Every measurement starts a new server on one core and the load generator on another. The servers take turns within each
case and each round, so that other load on the machine affects all of them equally.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from harness import install, places, plots
from harness.display import Progress, say, show
from harness.documents import write
from harness.measure import client_bound, complaints, measure
from harness.peers import PEERS
from harness.processes import Cores, FailedError, raise_file_limit
from harness.results import Measurement, Record, describe
from harness.scenarios import CASES, RATE, Turn, plan, select, usual
from harness.table import goals_table, main_table


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="benches/run.py", description=__doc__)
    names = ", ".join(case.name for case in CASES)
    parser.add_argument(
        "--only", default="", help=f"names of cases or their beginnings, with commas between: {names}"
    )
    parser.add_argument("--all", action="store_true", help="all cases, not only the usual ones")
    parser.add_argument("--servers", default="", help=f"only these, in every round: {', '.join(PEERS)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="the window of a measurement")
    parser.add_argument("--warmup", type=float, default=0.4, help="what goes before it")
    parser.add_argument("--write-docs", action="store_true", help="put the results into docs/benchmarks.md")
    asked = parser.parse_args(words)
    asked.servers = tuple(filter(None, asked.servers.split(",")))
    unknown = [name for name in asked.servers if name not in PEERS]
    if unknown:
        parser.error(f"there is no server {unknown[0]!r}; there are {', '.join(PEERS)}")
    try:
        asked.cases = select(asked.only.split(",")) if asked.only else usual(CASES, everything=asked.all)
    except ValueError as error:
        parser.error(str(error))
    return asked


def take(turns: Sequence[Turn], record: Record, asked: argparse.Namespace) -> None:
    """Make all measurements. A failure is recorded, and the run continues."""
    cores = Cores.choose()
    say(
        "server and load generator have a core each"
        if cores.load is not None
        else "one core for all: figures mean little"
    )
    progress = Progress(len(turns))
    for turn in turns:
        what = f"{turn.case.name:19} {PEERS[turn.server].title:26}"
        try:
            result = measure(turn.case, turn.server, cores, asked.seconds, asked.warmup)
        except FailedError as error:
            record.failures.append(f"{turn.case.name}, {turn.server}: {error}")
            progress.step(f"{what} failed: {error}")
            continue
        record.measurements.append(Measurement(turn.case.name, turn.server, turn.number, result))
        metric = turn.case.metric
        remarks = [*complaints(result), *(["client-bound"] if client_bound(result) else [])]
        figure = f"{metric.show(float(result[metric.key]))}{'/s' if metric is RATE else ''}"
        progress.step(f"{what} {figure:>10}  {', '.join(remarks)}".rstrip())


def draw(record: Record, *, for_docs: bool) -> list[Path]:
    """Draw the pictures, or print why this is not possible."""
    try:
        return plots.draw(record, places.PICTURES if for_docs else places.RESULTS / "plots")
    except ImportError as error:
        say(f"no pictures: {error}")
        return []


def main(words: Sequence[str]) -> int:
    """Run all measurements, print the results and save them. Return 1 if our own server made errors, else 0."""
    asked = arguments(words)
    start = time.monotonic()
    raise_file_limit()
    turns = plan(asked.cases, asked.rounds, asked.servers or None)
    try:
        install.c()
    except install.MissingError as error:
        say(f"the load generator does not compile: {error}")
        return 1
    missing = install.prepare(dict.fromkeys(turn.server for turn in turns), say)
    record = Record(describe(install.versions(), words), missing)
    take([turn for turn in turns if turn.server not in missing], record, asked)
    show(main_table(record))
    if (goals := goals_table(record)).rows:
        show(goals)
    for failure in record.failures:
        say(f"failed: {failure}")
    for name, why in missing.items():
        say(f"left out: {name}: {why}")
    say(f"saved: {record.save().relative_to(places.ROOT)}, after {time.monotonic() - start:.0f} s")
    pictures = draw(record, for_docs=asked.write_docs)
    if asked.write_docs:
        write(record, places.DOCUMENT, pictures)
    wrong = [
        item for item in record.measurements if item.server.startswith("ours") and complaints(item.result)
    ]
    return 1 if wrong or any(", ours" in failure for failure in record.failures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
