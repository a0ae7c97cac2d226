"""What the small benchmarks say, and what is made of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.figures import Spread
from micro import compare, scale
from micro.measure import Answer, calls
from micro.programs import C, Version, build, nanoseconds, table


def answers(**ns: float) -> dict[str, Answer]:
    return {name: Answer("Why?", name, value, "frame", 0.0) for name, value in ns.items()}


def test_the_fastest_repetition_counts_and_the_median_is_the_spread() -> None:
    assert Answer.of("parse", "frame", "Why?", [30.0, 10.0, 12.0]) == Answer(
        "Why?", "parse", 10.0, "frame", pytest.approx(0.2)
    )


def test_a_line_of_c_is_read_as_one_of_python() -> None:
    line = '{"question": "Why?", "name": "parse", "ns": 12.345, "per": "frame", "spread": 0.020}'
    assert Answer.read(line) == Answer("Why?", "parse", 12.345, "frame", 0.02)


@given(st.floats(0.1, 1e9), st.floats(0, 10))
def test_what_is_written_can_be_read(ns: float, spread: float) -> None:
    read = Answer.read(Answer("Wie groß?", "ring", ns, "member", spread).write())
    assert read.ns == pytest.approx(ns, abs=0.001)
    assert read.spread == pytest.approx(spread, abs=0.001)


@pytest.mark.parametrize("line", ["", "parse 12 ns", "[]", '{"name": "parse"}', '{"name": 1, "more": 2}'])
def test_anything_else_is_no_answer(line: str) -> None:
    with pytest.raises(ValueError):
        Answer.read(line)


def test_every_call_is_timed_in_every_repetition() -> None:
    counted: list[None] = []
    found = calls("count", "call", "Why?", lambda: counted.append(None), number=3)
    assert found.ns > 0
    assert found.spread >= 0
    assert len(counted) % 3 == 0
    assert len(counted) > 30


@pytest.mark.parametrize(
    ("base", "head", "word"),
    [
        ((10, 11, 12), (7, 8, 9), "better"),
        ((7, 8, 9), (10, 11, 12), "worse"),
        ((10, 11, 12), (7, 8, 10), ""),  # they touch
        ((10, 11), (1, 2), ""),  # too few rounds to tell
    ],
)
def test_only_what_is_beyond_the_spread_is_called_better_or_worse(
    base: tuple[float, ...], head: tuple[float, ...], word: str
) -> None:
    assert compare.verdict(Spread.of(base), Spread.of(head)) == word


def test_two_versions_are_compared_by_what_both_answer() -> None:
    base = [answers(parse=10.0, gone=1.0), answers(parse=20.0), answers(parse=10.0)]
    head = [answers(parse=5.0, new=1.0), answers(parse=9.0), answers(parse=5.0)]
    made = compare.table(base, head, ("old", "young"))
    assert made.rows == [("parse", "frame", "10.0 ns", "5.0 ns", "0.50x (0.45..0.50)", "better")]


def test_a_failed_round_is_left_out() -> None:
    base = [answers(parse=10.0), {}, answers(parse=10.0)]
    made = compare.table(base, [answers(parse=5.0)] * 3, ("old", "young"))
    assert made.rows[0][4:] == ("0.50x (0.50..0.50)", "")


def test_a_table_names_every_question() -> None:
    (row,) = table(answers(parse=1234.0).values()).rows
    assert row == ("parse", "frame", "1.23 µs", "0%", "Why?")


@pytest.mark.parametrize(("value", "text"), [(9.87, "9.9 ns"), (999.0, "999.0 ns"), (4321.0, "4.32 µs")])
def test_times_are_told_in_the_unit_that_suits_them(value: float, text: str) -> None:
    assert nanoseconds(value) == text


def test_only_rooms_that_fit_into_memory_are_tried() -> None:
    assert scale.sizes(24 << 30) == [10_000, 100_000, 1_000_000]
    assert scale.sizes(2 << 30) == [10_000, 100_000]
    assert scale.sizes(0) == []


@pytest.mark.parametrize(
    ("largest", "cells"),
    [
        ([30.0], ("1.50x", "reached")),
        ([31.0], ("1.55x", "missed")),
        ([31.0, 29.0, 32.0], ("1.55x (1.45..1.60)", "within the spread")),
        (None, ("1.00x", "")),
    ],
)
def test_growth_is_judged_where_all_sizes_are_there(
    largest: list[float] | None, cells: tuple[str, str]
) -> None:
    rounds = [20.0] * len(largest or "1")
    costs = {10_000: rounds, 100_000: rounds} | ({1_000_000: largest} if largest else {})
    assert scale.table({"append": costs}).rows[0][-2:] == cells


def test_sessions_are_told_beside_the_costs() -> None:
    said = json.loads('{"rss_bytes": 2345.6, "tracked": 0.0, "pause_ms": 7.8, "open_us": 40.2}')
    made = scale.table({"append": {10_000: [20.0]}, "sessions": {10_000: said}})
    assert [row[2] for row in made.rows] == ["20.0 ns", "2.3 kB", "0.00", "7.8 ms", "40 µs"]
    assert made.columns[2] == "10,000"


@pytest.mark.slow
def test_all_programs_compile(tmp_path: Path) -> None:
    version = Version(compiled=tmp_path / "micro")
    build(version)
    assert {name for name in C if os.access(version.compiled / name, os.X_OK)} == set(C)
