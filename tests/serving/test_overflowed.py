"""Clients whose outboxes overflow in one broadcast are disconnected in slices, so that other tasks run."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
import trio
from support.wire import Wire
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Outbox, Server
from trio_socketio.engineio import EngineRequest, Session
from trio_socketio.errors import DisconnectReason

pytestmark = pytest.mark.rows("P5")

MANY = 4000


def connect(io: Server, count: int) -> list[Session]:
    """So many clients that never poll."""
    runtime = io._require_runtime()
    sessions = []
    for _ in range(count):
        request = EngineRequest("GET", "/socket.io/?EIO=4&transport=polling", {})
        assert runtime.engine.rules.admit(request) is None
        session = runtime.engine.open_polling(request, trio.current_time()).session
        session.receive("40", trio.current_time())
        sessions.append(session)
    return sessions


async def longest_turn(io: Server, act: Callable[[list[Session]], None]) -> tuple[float, float]:
    """The longest time that no other task ran after ``act``, and the whole, in CPU seconds of this process."""
    longest = 0.0
    async with io:
        sessions = connect(io, MANY)
        gc.collect()
        gc.disable()
        try:
            began = last = time.process_time()
            act(sessions)
            while True:
                await trio.lowlevel.checkpoint()
                now = time.process_time()
                longest, last = max(longest, now - last), now
                if not io.engine.clients_count and not io.sockets:
                    return longest, now - began
        finally:
            gc.enable()


async def test_other_clients_receive_while_overflowing_clients_are_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)

    def overflow(_: list[Session]) -> None:
        io.emit_nowait("too many")

    def close_each(sessions: list[Session]) -> None:
        for session in sessions:
            session.fail(DisconnectReason.FORCED_SERVER_CLOSE, "all at once")

    ratios: list[float] = []
    while len(ratios) < 5 and min(ratios, default=1.0) >= 0.35:
        io = Server(outbox=Outbox(max_packets=2))
        io.on("disconnect", lambda socket: None)
        _, at_once = await longest_turn(io, close_each)
        longest, _ = await longest_turn(io, overflow)
        ratios.append(longest / at_once)
    assert min(ratios) < 0.35, ratios


async def test_overflowing_clients_are_closed_and_receive_nothing_more(
    running: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trio_socketio.serving._overflowed.OVERFLOW_SLICE", 0.0)  # one for each
    io = Server(outbox=Outbox(max_packets=2))
    reasons: list[str] = []
    io.on("disconnect", lambda socket, reason: reasons.append(reason))
    async with running(io) as wire:
        sessions = connect(io, 20)
        io.emit_nowait("too many")
        assert io.engine.clients_count == 19
        queued = [session.link.queued_packets for session in sessions]
        for _ in range(3):
            io.emit_nowait("more")
        assert [session.link.queued_packets for session in sessions] == queued
        assert io.engine.clients_count == 19
        await wait_all_tasks_blocked()
        assert io.engine.clients_count == 0
        assert reasons == ["forced server close"] * 20
        await wire_is_unharmed(wire)


async def wire_is_unharmed(wire: Wire) -> None:
    client = await wire.connect()
    await client.ws.stream.aclose()


async def test_server_stops_before_all_are_closed(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trio_socketio.serving._overflowed.OVERFLOW_SLICE", 0.0)
    io = Server(outbox=Outbox(max_packets=2))
    reasons: list[str] = []
    io.on("disconnect", lambda socket, reason: reasons.append(reason))
    async with io:
        connect(io, 20)
        io.emit_nowait("too many")
    assert len(reasons) == 20
    assert io.sockets == {}
