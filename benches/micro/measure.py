"""Times Python code, and defines the form of an answer. ``measure.h`` does the same for C."""

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
    """The answer of a benchmark, one line of its output.

    Attributes:
        question: the question that it answers.
        name: a short name, for tables and comparisons.
        ns: nanoseconds of the fastest repetition, because other load on the machine makes repetitions only slower.
        per: the piece of work that took this time.
        spread: how much longer the median repetition took, as a share of the fastest.
    """

    question: str
    name: str
    ns: float
    per: str
    spread: float

    @classmethod
    def of(cls, name: str, per: str, question: str, times: Iterable[float]) -> Self:
        """Make an answer from the nanoseconds for one piece of work in each repetition."""
        known = sorted(times)
        return cls(question, name, known[0], per, statistics.median(known) / known[0] - 1)

    @classmethod
    def read(cls, line: str) -> Self:
        """Parse a line that ``write`` or a C program has made.

        Raises:
            ValueError: the line is not an answer.
        """
        found = json.loads(line)
        if not isinstance(found, dict) or found.keys() != cls.__dataclass_fields__.keys():
            raise ValueError(f"no answer: {line[:80]!r}")
        return cls(**found)

    def write(self) -> str:
        """Format the answer as a line of JSON."""
        return json.dumps({**asdict(self), "ns": round(self.ns, 3), "spread": round(self.spread, 3)})


def tell(answer: Answer) -> None:
    """Print an answer."""
    print(answer.write(), flush=True)


def calls(name: str, per: str, question: str, call: Callable[[], object], number: int = 2000) -> Answer:
    """Time ``number`` calls in each repetition. Each call is one piece of work."""
    times = []
    for _ in range(REPETITIONS):
        start = time.perf_counter_ns()
        for _ in range(number):
            call()
        times.append((time.perf_counter_ns() - start) / number)
    return Answer.of(name, per, question, times)
