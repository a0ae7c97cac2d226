"""The comparison of two commits keeps what it was told."""

from __future__ import annotations

import json
from pathlib import Path

import compare
import pytest

from harness import places
from harness.results import Measurement, Record, describe
from micro.measure import Answer
from micro.programs import Answers


def _answer(ns: float) -> Answer:
    return Answer("How long does a frame take?", "parse", ns, "frame", 0.02)


def _record() -> Record:
    record = Record(describe({}, []) | {"base": "aaa", "head": "bbb"})
    base = [Answers({"parse": _answer(12.5)}), Answers({"parse": _answer(11.0)})]
    head = [Answers({}, {"members": "it does not compile with this version"})] * 2
    compare.note(record, {"base": base, "head": head})
    return record


def test_the_small_answers_are_kept_by_name_side_and_round() -> None:
    record = _record()
    assert record.figures("parse", "base", "ns") == {0: 12.5, 1: 11.0}
    assert record.figures("parse", "head", "ns") == {}
    assert record.measurements[0] == Measurement(
        "parse",
        "base",
        0,
        {
            "question": "How long does a frame take?",
            "name": "parse",
            "ns": 12.5,
            "per": "frame",
            "spread": 0.02,
        },
    )


def test_a_program_that_fails_in_every_round_is_told_once() -> None:
    assert _record().failures == ["members, bbb: it does not compile with this version"]


def test_the_record_is_saved_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(places, "ROOT", tmp_path)
    monkeypatch.setattr(places, "RESULTS", tmp_path / "results")
    record = _record()
    assert compare.finish(record, "compare-micro") == 1
    (saved,) = (tmp_path / "results").iterdir()
    assert saved.name.startswith("compare-micro-")
    assert Record.from_json(saved.read_text("utf-8")) == record
    assert json.loads(saved.read_text("utf-8"))["about"]["head"] == "bbb"
    assert f"saved: results/{saved.name}" in "".join(capsys.readouterr())
    record.failures.clear()
    assert compare.finish(record, "compare-micro") == 0
