"""What is made of several measurements of the same thing."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some figures, with the lowest and the highest of them."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Sum up `values`.

        Raises:
            ValueError: there are none.
        """
        known = sorted(values)
        if not known:
            raise ValueError("no figures to sum up")
        return cls(statistics.median(known), known[0], known[-1], len(known))


def ratios(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Spread | None:
    """Ours divided by theirs, round by round: what disturbed a whole round falls out.

    Args:
        ours: the figure of each round.
        theirs: likewise; rounds that only one of the two has are left out.

    Returns:
        None if they have no round in common.
    """
    common = [ours[turn] / theirs[turn] for turn in ours.keys() & theirs.keys() if theirs[turn]]
    return Spread.of(common) if common else None


def human(value: float) -> str:
    """A number with three or four digits that count: 1.23, 123, 12.3 k, 2.63 M."""
    if value >= 1e6:
        return f"{_three_digits(value / 1e6)} M"
    return f"{_three_digits(value / 1e3)} k" if value >= 1e4 else _three_digits(value)


def _three_digits(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def microseconds(value: float) -> str:
    """A time in the unit that suits it."""
    if value >= 1e6:
        return f"{_three_digits(value / 1e6)} s"
    return f"{_three_digits(value / 1e3)} ms" if value >= 1e3 else f"{_three_digits(value)} µs"


def kilobytes(value: float) -> str:
    """A number of bytes, thousands at a time."""
    return f"{value / 1e3:.1f} kB"
