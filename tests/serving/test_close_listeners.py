"""Listeners for the end of a session are called one after the other, never inside each other."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.descriptors import open_descriptors
from support.engine import Bench
from support.links import Link
from support.raw import join
from support.wire import Wire
from trio.testing import wait_all_tasks_blocked

from trio_socketio import EngineServer, EngineSocket, Outbox, Server, Socket
from trio_socketio.engineio import State
from trio_socketio.errors import DisconnectReason

pytestmark = pytest.mark.rows("P5")

#: More than Python's stack has room for, if each report held the next one.
MANY = 300


async def many(io: Server, nursery: trio.Nursery, link: Link) -> tuple[Wire, list[trio.abc.Stream]]:
    wire = Wire(io, nursery, link)
    return wire, [await join(wire) for _ in range(MANY)]


async def test_listener_emits_to_others_that_overflow_too(link: Link, autojump_clock: Any) -> None:
    io = Server(outbox=Outbox(max_packets=1))
    depth, deepest, told = 0, 0, 0

    @io.on("connection")
    def connection(socket: Socket) -> None:
        def left(reason: str, description: str) -> None:
            nonlocal depth, deepest, told
            told += 1
            depth += 1
            deepest = max(deepest, depth)
            io.emit_nowait("left", socket.id)
            depth -= 1

        socket.conn.on("close", left)

    async with trio.open_nursery() as nursery:
        before = open_descriptors()
        async with io:
            _, streams = await many(io, nursery, link)
            io.emit_nowait("one")
            io.emit_nowait("too many")
            await wait_all_tasks_blocked()
            assert (told, deepest) == (MANY, 1)
            assert io.engine.clients_count == 0
            assert io.sockets == {}
        for stream in streams:
            await trio.aclose_forcefully(stream)
        assert open_descriptors() <= before


@pytest.mark.parametrize("how", ["disconnect", "close"])
async def test_listener_ends_others(link: Link, autojump_clock: Any, how: str) -> None:
    io = Server()
    sockets: list[Socket] = []
    told: list[str] = []
    reasons: list[str] = []
    io.on("disconnect", lambda socket, reason: reasons.append(reason))

    @io.on("connection")
    def connection(socket: Socket) -> None:
        sockets.append(socket)

        def left(reason: str, description: str) -> None:
            told.append(reason)
            if sockets:
                other = sockets.pop()
                if how == "disconnect":
                    other.disconnect(close=True)
                else:
                    other.conn.close()

        socket.conn.on("close", left)

    async with trio.open_nursery() as nursery:
        async with io:
            _, streams = await many(io, nursery, link)
            sockets.pop().conn.close()
            await wait_all_tasks_blocked()
            assert len(told) == len(reasons) == MANY
            for stream in streams:
                await trio.aclose_forcefully(stream)
            await wait_all_tasks_blocked()
            assert io.engine.clients_count == 0


async def test_close_handlers_of_an_engine_close_others(running: Any, autojump_clock: Any) -> None:
    eio = EngineServer()
    sockets: list[EngineSocket] = []
    told: list[str] = []

    @eio.on("connection")
    def connection(socket: EngineSocket) -> None:
        sockets.append(socket)

    @eio.on("close")
    def close(socket: EngineSocket, reason: str) -> None:
        told.append(reason)
        if sockets:
            sockets.pop().close()

    async with running(eio) as wire:
        peers = [await wire.session() for _ in range(MANY)]
        sockets.pop().close()
        await wait_all_tasks_blocked()
        assert len(told) == MANY
        for peer in peers:
            await peer.ws.stream.aclose()
        await wait_all_tasks_blocked()
        assert not eio.clients


def test_transport_is_closed_before_the_session_reports_its_end() -> None:
    bench = Bench()
    for end in ("close", "fail", "lost"):
        host = bench.websocket()
        session = next(iter(bench.engine.sessions.values()))
        above = bench.above[session.sid]
        ended: list[bool] = []

        def closed(
            reason: DisconnectReason, description: str, host: Any = host, ended: list[bool] = ended
        ) -> None:
            ended.append(host.ended)

        above.closed = closed  # type: ignore[method-assign]
        if end == "close":
            session.close(DisconnectReason.FORCED_SERVER_CLOSE, now=0.0)
        elif end == "fail":
            session.fail(DisconnectReason.FORCED_SERVER_CLOSE, "failed")
        else:
            host.ended = True
            host.drop()
        assert ended == [True]
        assert session.state is State.CLOSED


def test_reports_are_delivered_in_their_order_and_not_nested() -> None:
    bench = Bench()
    sessions = [bench.polling().session for _ in range(4)]
    log: list[str] = []

    def telling(name: str, others: list[int]) -> Any:
        def closed(reason: DisconnectReason, description: str) -> None:
            log.append(f"{name} begins")
            for other in others:
                sessions[other].fail(DisconnectReason.FORCED_SERVER_CLOSE, "failed")
                assert sessions[other].state is State.CLOSED
            log.append(f"{name} ends")

        return closed

    for number, others in enumerate([[1, 2], [3], [], []]):
        bench.above[sessions[number].sid].closed = telling(str(number), others)  # type: ignore[method-assign]
    sessions[0].fail(DisconnectReason.FORCED_SERVER_CLOSE, "failed")
    assert log == [f"{number} {verb}" for number in range(4) for verb in ("begins", "ends")]


@pytest.mark.parametrize("linger", [True, False])
def test_session_that_closes_has_a_deadline(linger: bool) -> None:
    bench = Bench(polling_close_timeout=30.0)
    polling = bench.polling()
    polling.begin_poll(lambda: None)  # which is never answered
    polling.session.close(DisconnectReason.FORCED_SERVER_CLOSE, now=bench.now, linger=linger)
    bench.advance(29.9)
    assert polling.session.state is State.CLOSING
    bench.advance(0.2)
    assert polling.session.state is State.CLOSED
    assert len(bench.engine.wheel) == 0
