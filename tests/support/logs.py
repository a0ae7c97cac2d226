"""What a test has logged."""

from __future__ import annotations

import logging

import pytest

__all__ = ["warnings"]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the messages of all records that are warnings or worse."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
