"""Reports to the layer above come from one queue, and are never nested."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from trio_socketio.engineio._endings import Endings


@pytest.fixture
def endings() -> Endings:
    return Endings(logging.getLogger("trio_socketio.engine"))


def test_report_made_meanwhile_waits_for_the_one_being_delivered(endings: Endings) -> None:
    told: list[Any] = []

    def outer(name: str) -> None:
        endings.tell([(told.append, (f"{name} caused this",))])
        told.append(name)

    endings.tell([(outer, ("first",)), (outer, ("second",))])
    assert told == ["first", "second", "first caused this", "second caused this"]


def test_held_reports_are_delivered_at_the_outermost_release(endings: Endings) -> None:
    told: list[str] = []
    outer = endings.hold()
    inner = endings.hold()
    endings.tell([(told.append, ("one",))])
    endings.release(inner)
    assert told == []
    endings.release(outer)
    assert told == ["one"]


def test_error_of_a_report_is_logged_and_the_next_one_comes(
    endings: Endings, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    endings.tell([(int, ("no number",)), (told.append, ("next",))])
    assert told == ["next"]
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    assert caplog.messages == ["internal error in a report to the layer above"]
    caplog.clear()


def test_interrupt_passes_and_leaves_the_rest_for_the_next_call(endings: Endings) -> None:
    told: list[str] = []

    def interrupt() -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        endings.tell([(interrupt, ()), (told.append, ("next",))])
    assert told == []
    endings.deliver()
    assert told == ["next"]
