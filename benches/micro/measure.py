"""What an answer is, and how Python code is timed; ``measure.h`` does the same for C."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Self

REPETITIONS = 61


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of a benchmark.

    Attributes:
        question: what it answers.
        name: short, for tables and comparisons.
        ns: nanoseconds of the fastest repetition: what else runs on the machine only ever makes one slower.
        per: the piece of work that took so long.
        spread: how much longer the median repetition took, as a share.
    """

    question: str
    name: str
    ns: float
    per: str
    spread: float

    @classmethod
    def of(cls, name: str, per: str, question: str, times: Iterable[float]) -> Self:
        """Make an answer of the nanoseconds that each repetition took for one piece of work."""
        known = sorted(times)
        return cls(question, name, known[0], per, statistics.median(known) / known[0] - 1)

    @classmethod
    def read(cls, line: str) -> Self:
        """What ``write`` gave, here or in C.

        Raises:
            ValueError: it is something else.
        """
        found = json.loads(line)
        if not isinstance(found, dict) or found.keys() != cls.__dataclass_fields__.keys():
            raise ValueError(f"no answer: {line[:80]!r}")
        return cls(**found)

    def write(self) -> str:
        """A line of JSON."""
        return json.dumps({**asdict(self), "ns": round(self.ns, 3), "spread": round(self.spread, 3)})


def tell(answer: Answer) -> None:
    """Print a line."""
    print(answer.write(), flush=True)


def calls(name: str, per: str, question: str, call: Callable[[], object], number: int = 2000) -> Answer:
    """Time a call, ``number`` of them in each repetition; each is one piece of work."""
    times = []
    for _ in range(REPETITIONS):
        start = time.perf_counter_ns()
        for _ in range(number):
            call()
        times.append((time.perf_counter_ns() - start) / number)
    return Answer.of(name, per, question, times)
