"""A request without a revision, with ``b64`` and an empty session id: clients of revision 3 send it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.raw import read_until, request, status

from trio_socketio import Server

TARGET = "/socket.io/?transport=polling&b64=1&sid"


@pytest.mark.rows("B6", "C4")
async def test_request_without_allow_eio3_is_refused(autojump_clock: Any, running: Any) -> None:
    async with running(Server()) as wire:
        stream = wire.stream()
        await stream.send_all(request(TARGET))
        response = await read_until(stream, b"}")
        assert status(response) == 400
        assert json.loads(response.partition(b"\r\n\r\n")[2]) == {
            "code": 5,
            "message": "Unsupported protocol version",
        }
        assert wire.io.engine.clients_count == 0


@pytest.mark.rows("C4", "C7", "C24")
@pytest.mark.parametrize("target", [TARGET, f"{TARGET}=", f"{TARGET}&EIO=3"])
async def test_request_with_allow_eio3_opens_a_session(
    autojump_clock: Any, running: Any, target: str
) -> None:
    async with running(Server(allow_eio3=True, ping_timeout=60.0)) as wire:
        stream = wire.stream()
        await stream.send_all(request(target))
        response = await read_until(stream, b"}")
        assert status(response) == 200
        length, _, packet = response.partition(b"\r\n\r\n")[2].decode().partition(":")
        assert int(length) == len(packet)
        assert packet[0] == "0"
        parameters = json.loads(packet[1:])
        assert list(parameters) == ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"]
        assert list(parameters.values())[1:] == [["websocket"], 25000, 60000, 1000000]
        assert wire.io.engine.clients_count == 1
