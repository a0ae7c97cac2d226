"""The hooks of an application for refused requests."""

from __future__ import annotations

import logging

import pytest
from support.engine import Bench
from support.message_host import admission

from trio_socketio.engineio import Refusal


def test_hooks_are_called_once_for_each_refusal(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    heard: list[tuple[object, ...]] = []

    def fail(*_: object) -> None:
        raise RuntimeError("a hook that fails")

    bench.engine.hooks.connection_error += [fail, lambda *what: heard.append(what)]
    first, second = bench.request("transport=x"), bench.request("EIO=3&transport=polling")
    assert admission(bench.engine, first) is Refusal.TRANSPORT_UNKNOWN
    with caplog.at_level(logging.CRITICAL):
        assert admission(bench.engine, second) is Refusal.PROTOCOL_VERSION
        bench.engine.rules.refuse(first, Refusal.FORBIDDEN, "not you")
    assert heard == [
        (first, 0, "Transport unknown", "TRANSPORT_UNKNOWN"),
        (second, 5, "Unsupported protocol version", "UNSUPPORTED_PROTOCOL_VERSION"),
        (first, 4, "not you", "FORBIDDEN"),
    ]
