"""Medians, spreads, ratios, and how numbers are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.figures import Spread, human, kilobytes, microseconds, ratios


def test_a_spread_has_the_median_and_both_ends() -> None:
    assert Spread.of([5.0, 1.0, 9.0, 2.0]) == Spread(3.5, 1.0, 9.0, 4)


def test_there_is_no_spread_of_nothing() -> None:
    with pytest.raises(ValueError, match="no figures"):
        Spread.of([])


@given(st.lists(st.floats(1e-3, 1e9), min_size=1))
def test_a_median_lies_within_its_spread(values: list[float]) -> None:
    spread = Spread.of(values)
    assert spread.low <= spread.median <= spread.high
    assert spread.count == len(values)


def test_ratios_are_taken_round_by_round() -> None:
    assert ratios({0: 10.0, 1: 40.0, 2: 9.0}, {0: 5.0, 1: 10.0, 3: 1.0}) == Spread(3.0, 2.0, 4.0, 2)


@given(st.dictionaries(st.integers(0, 9), st.floats(1.0, 1e6), min_size=1), st.floats(0.5, 20.0))
def test_what_slows_a_whole_round_does_not_change_the_ratio(theirs: dict[int, float], factor: float) -> None:
    ratio = ratios({turn: value * factor for turn, value in theirs.items()}, theirs)
    assert ratio is not None
    assert ratio.low == pytest.approx(factor)
    assert ratio.high == pytest.approx(factor)


@pytest.mark.parametrize("theirs", [{}, {1: 5.0}, {0: 0.0}])
def test_without_a_common_round_there_is_no_ratio(theirs: dict[int, float]) -> None:
    assert ratios({0: 10.0}, theirs) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.126, "0.13"),
        (12.34, "12.3"),
        (999.6, "1000"),
        (9_999.0, "9999"),
        (54_321.0, "54.3 k"),
        (2.63e6, "2.63 M"),
    ],
)
def test_numbers_have_the_digits_that_count(value: float, text: str) -> None:
    assert human(value) == text


@pytest.mark.parametrize(("value", "text"), [(9.876, "9.88 µs"), (4321.0, "4.32 ms"), (1.5e6, "1.50 s")])
def test_times_have_the_unit_that_suits_them(value: float, text: str) -> None:
    assert microseconds(value) == text


def test_memory_is_told_in_kilobytes() -> None:
    assert kilobytes(12_740.0) == "12.7 kB"
