"""What installers and the load generator say, and which core is whose."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.install import reason
from harness.measure import client_bound, complaints
from harness.processes import Cores, FailedError, last_line, on_core, parse


def test_a_line_of_the_generator_is_an_object() -> None:
    assert parse(b'{"rate": 5.0, "echo": {"rate": 2.0}}') == {"rate": 5.0, "echo_rate": 2.0}


@pytest.mark.parametrize("line", [b"", b"[]", b"rate 5", b'{"rate":', b"\xff"])
def test_anything_else_is_a_failure(line: bytes) -> None:
    with pytest.raises(FailedError, match="no object of JSON"):
        parse(line)


def test_a_good_result_has_no_complaints() -> None:
    assert complaints({"errors": 0, "deliveries": 9, "expected": 9}) == []


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"errors": 3, "deliveries": 9, "expected": 9}, ["3 errors"]),
        ({"errors": 0, "deliveries": 8, "expected": 9}, ["8 of 9 deliveries"]),
        ({"errors": 0, "deliveries": 9, "expected": 9, "lost": 2}, ["2 connections lost"]),
    ],
)
def test_a_bad_one_is_told(result: dict[str, int], words: list[str]) -> None:
    assert complaints(result) == words


@pytest.mark.parametrize(("share", "bound"), [(0.95, True), (0.9, False), (None, False)])
def test_a_busy_generator_is_told(share: float | None, bound: bool) -> None:
    assert client_bound({"client_cpu": share}) is bound


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("first\nERROR: no such package\n\n", "ERROR: no such package"),
        (
            "npm error code E404\nnpm error A complete log of this run can be found in: x",
            "npm error code E404",
        ),
        ("ERROR: why\n[notice] A new release", "ERROR: why"),
        (" \n", "it failed without a word"),
    ],
)
def test_the_reason_is_the_last_line_that_says_something(output: str, line: str) -> None:
    assert reason(output) == line


def test_a_logs_last_line_is_found(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"Traceback\nValueError: \xff\n\n")
    assert last_line(log) == "ValueError: \N{REPLACEMENT CHARACTER}"
    log.write_bytes(b"")
    assert last_line(log) == "it said nothing"


def test_server_and_generator_never_share_a_core_when_there_are_two() -> None:
    cores = Cores.choose()
    allowed = os.sched_getaffinity(0)
    if len(allowed) > 1:
        assert {cores.server, cores.load} <= allowed
        assert cores.server != cores.load
    else:
        assert cores == Cores(None, None)


def test_only_what_is_started_inside_is_bound_to_the_core() -> None:
    before = os.sched_getaffinity(0)
    core = min(before)
    with on_core(core):
        assert os.sched_getaffinity(0) == {core}
    assert os.sched_getaffinity(0) == before
