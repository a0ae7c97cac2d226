"""The log message about handlers that hold events: once for the same handlers."""

from __future__ import annotations

import logging

import pytest
from support.logs import warnings

from trio_socketio.serving import HELD_SECONDS, log_held

log = logging.getLogger("trio_socketio.test")


def test_message_names_each_handler_once_and_the_time(caplog: pytest.LogCaptureFixture) -> None:
    log_held(log, set(), ["first", "second", "first"])
    (warning,) = warnings(caplog)
    assert warning.startswith(f"first, second has not returned for {HELD_SECONDS:g} s")


def test_same_handlers_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    known: set[str] = set()
    for _ in range(2):
        log_held(log, known, ["first"], "%s waits for %g s")
    log_held(log, known, ["other"], "%s waits for %g s")
    assert warnings(caplog) == ["first waits for 5 s", "other waits for 5 s"]
