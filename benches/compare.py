"""Compare two commits of this project: ``make bench-compare BASE=main~3``.

Both are checked out and built below build/bench/. Then they run the same cases in turns, on the same machine, with
the load generator and the application of the working tree. With ``--micro``, they run the small benchmarks instead.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from harness import install, places
from harness.display import Progress, say, show
from harness.figures import Spread
from harness.measure import complaints, measure
from harness.peers import PEERS
from harness.processes import Cores, FailedError, raise_file_limit
from harness.results import Measurement, Record, describe
from harness.scenarios import CASES, CPU, CPU_CLIENT, RATE, Case, plan, select
from harness.table import Table, times
from micro import programs
from micro.compare import table as micro_table

SIDES = ("base", "head")

#: The cases that show the effect of most changes. They take less than two minutes.
USUAL = "broadcast-1000,echo,ack,connect,idle,polling-echo"


class BuildError(Exception):
    """A commit cannot be checked out or built. The message says why."""


def _run(*words: str | Path, cwd: Path = places.ROOT, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(install.reason(done.stderr or done.stdout))
    return done.stdout.strip()


def build(revision: str) -> tuple[str, Path]:
    """Check out and compile a commit, unless an earlier run has built it.

    Returns:
        The short name of the commit, and the folder that contains the package.
    """
    name = _run("git", "rev-parse", "--short", f"{revision}^{{commit}}")
    folder = places.WORKTREES / name
    stamp = folder / "build" / "compiled"
    if not stamp.exists():
        say(f"building {name}")
        if folder.exists():
            shutil.rmtree(folder)
        _run("git", "worktree", "prune")
        _run("git", "worktree", "add", "--detach", folder, name)
        _run(sys.executable, "setup.py", "-q", "build_ext", "--inplace", cwd=folder)
        stamp.touch()
    source = folder / "src"
    variables = dict(os.environ, PYTHONPATH=str(source))
    imported = _run(
        sys.executable, "-c", "import trio_socketio; print(trio_socketio.__file__)", env=variables
    )
    if not Path(imported).is_relative_to(source):
        raise BuildError(f"Python imports {imported} instead of {name}")
    return name, source


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="benches/compare.py", description=__doc__)
    parser.add_argument("base", help="the commit to compare with")
    parser.add_argument("--head", default="HEAD", help="the commit that is compared")
    parser.add_argument("--micro", action="store_true", help="the small benchmarks, in a minute")
    parser.add_argument(
        "--only", default=USUAL, help="names of cases or their beginnings, with commas between"
    )
    parser.add_argument(
        "--server", default="ours", choices=[name for name in PEERS if name.startswith("ours")]
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--warmup", type=float, default=0.4)
    asked = parser.parse_args(words)
    try:
        asked.cases = select(asked.only.split(","))
    except ValueError as error:
        parser.error(str(error))
    return asked


def table(record: Record, cases: Sequence[Case], names: Sequence[str]) -> Table:
    """Make a table of the medians of both commits and their ratios."""
    rows = []
    for case in cases:
        for metric in (case.metric, RATE if case.metric is CPU_CLIENT else CPU):
            spreads = [record.spread(case.name, side, metric.key) for side in SIDES]
            ratio = record.ratio((case.name, "head"), (case.name, "base"), metric.key)
            if ratio is None or None in spreads:
                continue
            cells = [
                f"{metric.show(spread.median)}{'/s' if metric is RATE else ''}"
                for spread in spreads
                if spread
            ]
            rows.append((case.name, metric.title, *cells, times(ratio), change(ratio, higher=metric.higher)))
    return Table(f"{names[1]} against {names[0]}", ("case", "figure", *names, "ratio", ""), rows)


def change(ratio: Spread, *, higher: bool) -> str:
    """Return "better" or "worse" if this is so in all rounds, and there are at least three; else an empty string."""
    if ratio.count < 3 or ratio.low <= 1 <= ratio.high:
        return ""
    return "better" if (ratio.low > 1) is higher else "worse"


def micro(built: Sequence[tuple[str, Path]], rounds: int, record: Record) -> None:
    """Run the small benchmarks of both commits in turns. Each round begins with the other commit."""
    versions = [
        programs.Version(source.parent, source.parent / "build" / "bench" / "micro") for _, source in built
    ]
    for version in versions:
        programs.build(version)
    answers: list[list[programs.Answers]] = [[], []]
    progress = Progress(2 * rounds)
    for turn in range(rounds):
        for side in (turn % 2, 1 - turn % 2):
            answers[side].append(programs.ask(versions[side]))
            progress.step(built[side][0])
    base, head = ([found.given for found in side] for side in answers)
    show(micro_table(base, head, (built[0][0], built[1][0])))
    note(record, dict(zip(SIDES, answers, strict=True)))
    for failure in record.failures:
        say(f"failed: {failure}")


def note(record: Record, answers: Mapping[str, Sequence[programs.Answers]]) -> None:
    """Add the answers of each side's rounds, and the programs that failed, to the record."""
    for side, rounds in answers.items():
        for turn, found in enumerate(rounds):
            record.measurements += [
                Measurement(name, side, turn, asdict(answer)) for name, answer in found.given.items()
            ]
            for program, why in found.failures.items():
                failure = f"{program}, {record.about[side]}: {why}"
                if failure not in record.failures:  # such a program fails in every round
                    record.failures.append(failure)


def main(words: Sequence[str]) -> int:
    """Build both commits, measure them, print the results and save them."""
    asked = arguments(words)
    raise_file_limit()
    try:
        install.c()
        built = dict(zip(SIDES, [build(asked.base), build(asked.head)], strict=True))
    except (BuildError, install.MissingError) as error:
        say(f"failed: {error}")
        return 1
    names = [built[side][0] for side in SIDES]
    record = Record(describe(install.versions(), words) | {"base": names[0], "head": names[1]})
    if asked.micro:
        micro(list(built.values()), asked.rounds, record)
        return finish(record, "compare-micro")
    cores = Cores.choose()
    turns = plan(asked.cases, asked.rounds, SIDES)
    progress = Progress(len(turns))
    for turn in turns:
        name, source = built[turn.server]
        try:
            result = measure(turn.case, asked.server, cores, asked.seconds, asked.warmup, source)
        except FailedError as error:
            record.failures.append(f"{turn.case.name}, {name}: {error}")
            progress.step(f"{turn.case.name:19} {name} failed: {error}")
            continue
        record.measurements.append(Measurement(turn.case.name, turn.server, turn.number, result))
        figure = turn.case.metric.show(float(result[turn.case.metric.key]))
        progress.step(f"{turn.case.name:19} {name} {figure:>10}  {', '.join(complaints(result))}".rstrip())
    show(table(record, [case for case in CASES if case in asked.cases], names))
    return finish(record, "compare")


def finish(record: Record, kind: str) -> int:
    """Save the record. Return 1 if something failed, else 0."""
    say(f"saved: {record.save(kind).relative_to(places.ROOT)}")
    return 1 if record.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
