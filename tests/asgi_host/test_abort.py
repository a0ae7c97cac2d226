"""Aborting the WebSocket of an ASGI server, with a session and without HTTP."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.engine import Bench
from support.websockets import open_session
from trio.testing import wait_all_tasks_blocked

from trio_socketio._core import Message
from trio_socketio.asgi_host._websocket import AsgiWebSocket
from trio_socketio.errors import DisconnectReason


@pytest.mark.parametrize("queued", [False, True])
async def test_abort_ends_at_once_and_sends_nothing(
    autojump_clock: Any, nursery: trio.Nursery, queued: bool
) -> None:
    _, from_client = trio.open_memory_channel[dict[str, Any]](1)
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    websocket = AsgiWebSocket(from_client.receive, send, 5.0, 1000)
    above = open_session(Bench(), websocket)
    nursery.start_soon(websocket.run)
    await wait_all_tasks_blocked()
    (opening,) = sent
    assert opening["text"].startswith("0{")
    if queued:
        above.session.send(Message("queued"))
    websocket.abort(goodbye=False)
    await wait_all_tasks_blocked()
    assert sent == [opening]
    assert above.ended == [(DisconnectReason.TRANSPORT_CLOSE, "the connection was dropped")]
