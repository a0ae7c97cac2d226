"""Functions that make session ids: the default one, and the arguments of the application's."""

from __future__ import annotations

import re
import secrets
from typing import Any

import pytest

from trio_socketio.engineio import generate_sid
from trio_socketio.engineio._options import takes_request


@pytest.mark.rows("B15")
def test_default_ids_are_twenty_url_safe_characters() -> None:
    sids = {generate_sid() for _ in range(10_000)}
    assert len(sids) == 10_000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{20}", sid) for sid in sids)
    for position in range(20):  # no counter: every place varies
        assert len({sid[position] for sid in sids}) > 32


@pytest.mark.parametrize(("function", "takes"), [
    (secrets.token_urlsafe, False), (lambda request: "", True), (lambda request=None: "", False), (str, False),
    (iter("a").__next__, False),
])  # fmt: skip
def test_function_that_requires_an_argument_takes_the_request(function: Any, takes: bool) -> None:
    assert takes_request(function) is takes
