"""Handshakes that a server may refuse, and what it then answers, logs and reports."""

from __future__ import annotations

import json
import logging

import pytest

from support.raw import POLLING, request, status, upgrade
from trio_socketio import EngineRequest, Server

CLOSE = "Connection: close"

#: The two ways to ask for a session.
HANDSHAKES = [
    pytest.param(request(POLLING, CLOSE), id="polling"),
    pytest.param(upgrade(), id="websocket"),
]


def refusal(response: bytes) -> tuple[int, int, str]:
    """Return the status, the code and the message of a refusal."""
    body = json.loads(response.partition(b"\r\n\r\n")[2])
    return status(response), body["code"], body["message"]


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def listening(io: Server) -> list[tuple[int, str, str]]:
    """Return a list that gets what ``connection_error`` is called with from now on."""
    told: list[tuple[int, str, str]] = []

    @io.engine.on("connection_error")
    def connection_error(request: EngineRequest, code: int, message: str, context: str) -> None:
        told.append((code, message, context))

    return told


# allow_request
