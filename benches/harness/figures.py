"""Summaries of several measurements, and the formats of figures."""

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
        """Summarize `values`.

        Raises:
            ValueError: there are no values.
        """
        known = sorted(values)
        if not known:
            raise ValueError("no figures to sum up")
        return cls(statistics.median(known), known[0], known[-1], len(known))


def ratios(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Spread | None:
    """Divide our figure by theirs, round by round, so that a disturbance of a whole round cancels out.

    Args:
        ours: our figure of each round.
        theirs: their figure of each round. Rounds that are not in both are left out.

    Returns:
        None if they have no round in common.
    """
    common = [ours[turn] / theirs[turn] for turn in ours.keys() & theirs.keys() if theirs[turn]]
    return Spread.of(common) if common else None


def human(value: float) -> str:
    """Format a number with three or four significant digits: 1.23, 123, 12.3 k, 2.63 M."""
    if value >= 1e6:
        return f"{_three_digits(value / 1e6)} M"
    return f"{_three_digits(value / 1e3)} k" if value >= 1e4 else _three_digits(value)


def _three_digits(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def microseconds(value: float) -> str:
    """Format a time with a suitable unit."""
    if value >= 1e6:
        return f"{_three_digits(value / 1e6)} s"
    return f"{_three_digits(value / 1e3)} ms" if value >= 1e3 else f"{_three_digits(value)} µs"


def kilobytes(value: float) -> str:
    """Format a number of bytes in units of 1000 bytes."""
    return f"{value / 1e3:.1f} kB"
