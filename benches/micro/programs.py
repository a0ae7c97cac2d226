"""Compiles the benchmark programs in C, and runs all programs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness import places
from harness.install import reason
from harness.processes import Cores, FailedError, on_core
from harness.table import Table
from micro.measure import Answer

C = ("inbound", "outbound", "members")
PYTHON = ("encode", "events", "broadcasts")

SECONDS = 600


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the project.

    Attributes:
        root: the folder of its checkout.
        compiled: the folder of its compiled programs.
    """

    root: Path = places.ROOT
    compiled: Path = places.BUILD / "micro"

    def environment(self) -> Mapping[str, str]:
        """Return environment variables with which Python imports these benchmarks and the package of this version."""
        return dict(os.environ, PYTHONPATH=os.pathsep.join([str(places.BENCHES), str(self.root / "src")]))


@dataclass(slots=True)
class Answers:
    """The output of the programs.

    Attributes:
        given: the answers by their names.
        failures: the programs that failed, with the reason.
    """

    given: dict[str, Answer] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def build(version: Version) -> None:
    """Compile the programs. One that does not compile with this version's csrc is missing, and ``run`` fails for it."""
    words = ["make", "-s", "-k", "-C", str(places.BENCHES), "micro"]
    words += [f"OUT={version.compiled.parent}", f"SOURCES={version.root}"]
    subprocess.run(words, capture_output=True, check=False)


def run(version: Version, program: str, *arguments: str, core: int | None = None) -> list[str]:
    """Run a program, and return the lines of its output.

    Raises:
        FailedError: the program does not compile or run with this version.
    """
    words = [str(version.compiled / program)] if program in C else [sys.executable, "-m", f"micro.{program}"]
    try:
        with on_core(core):
            done = subprocess.run(
                [*words, *arguments],
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
                env=version.environment(),
            )
    except FileNotFoundError:
        raise FailedError("it does not compile with this version") from None
    except subprocess.TimeoutExpired:
        raise FailedError(f"it was not done after {SECONDS} s") from None
    if done.returncode != 0:
        raise FailedError(reason(done.stderr or done.stdout))
    return done.stdout.splitlines()


def ask(version: Version, programs: Iterable[str] = C + PYTHON) -> Answers:
    """Run programs one after the other on one core, and return their answers."""
    answers = Answers()
    core = Cores.choose().server
    for program in programs:
        try:
            found = [Answer.read(line) for line in run(version, program, core=core)]
        except (FailedError, ValueError) as error:
            answers.failures[program] = str(error)
        else:
            answers.given.update({answer.name: answer for answer in found})
    return answers


def table(answers: Iterable[Answer]) -> Table:
    """Make a table with a row for each answer."""
    rows: list[tuple[str, ...]] = [
        (answer.name, answer.per, nanoseconds(answer.ns), f"{answer.spread:.0%}", answer.question)
        for answer in answers
    ]
    return Table(
        "The fastest repetition, and how much longer the median took",
        ("name", "per", "time", "spread", "question"),
        rows,
    )


def nanoseconds(value: float) -> str:
    """Format a time in ns or µs."""
    return f"{value / 1e3:.2f} µs" if value >= 1e3 else f"{value:.1f} ns"
