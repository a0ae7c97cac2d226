"""An answer to a poll that is not written when the upgrade takes over."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.engine import Bench, Poll
from support.links import Link, only
from support.message_host import FrameHost, MessageHost
from support.raw import read_until, request
from support.wire import Polling, WebSocket, Wire
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import HttpCompression, Server
from trio_socketio._core import Message
from trio_socketio.engineio import PollingTransport, State
from trio_socketio.errors import DisconnectReason

pytestmark = pytest.mark.rows("P6")

LARGE = "tick tock " * 20_000


def collected(bench: Bench, query: str = "EIO=4") -> tuple[PollingTransport, MessageHost]:
    """A poll has taken two messages, a third is queued, and the upgrade packet may come."""
    polling = bench.polling(query)
    host = bench.websocket(polling.session.sid, query, FrameHost)
    host.deliver("2probe", bench.now)
    assert Poll(polling).body in ("6", "1:6")
    assert polling.begin_poll(lambda: None) is None
    bench.send(polling.session, "1")
    polling.session.send(Message("51-[]", [b"a"]))
    polling.collect()
    polling.delay_answer()
    bench.send(polling.session, "3")
    return polling, host


@pytest.mark.parametrize("query", ["EIO=4", "EIO=3"])
def test_messages_are_sent_again_if_nothing_of_the_answer_was_sent(query: str) -> None:
    bench = Bench(allow_eio3=True)
    polling, host = collected(bench, query)
    link = polling.session.link
    host.deliver("5", bench.now)
    attachment = b"a" if query == "EIO=4" else b"\x04a"
    assert host.sent == ["3probe", "41", "451-[]", attachment, "43"]
    assert link.confirmed == link.pushed
    instead = polling.begin_answer()
    assert instead is not None
    assert instead.body in (b"6", b"1:6")
    polling.poll_lost("gone")
    assert polling.session.state is State.OPEN


def test_session_fails_if_a_part_of_the_answer_was_sent() -> None:
    bench = Bench()
    polling, host = collected(bench)
    assert polling.begin_answer() is None
    host.wake = lambda: None  # type: ignore[method-assign]
    host.deliver("5", bench.now)
    assert polling.session.is_open
    polling.poll_lost("gone")
    assert bench.above[polling.session.sid].reason is DisconnectReason.TRANSPORT_ERROR
    assert host.ended


def test_answer_that_is_written_after_the_upgrade_is_confirmed_once() -> None:
    bench = Bench()
    polling, host = collected(bench)
    link = polling.session.link
    assert polling.begin_answer() is None
    host.deliver("5", bench.now)
    polling.poll_written()
    assert host.sent == ["3probe", "43"]
    assert link.confirmed == link.pushed
    bench.send(polling.session, "4")
    polling.poll_lost("the connection is gone, too")
    assert polling.session.is_open


async def probed(wire: Wire) -> tuple[Polling, WebSocket]:
    polling = await (await wire.polling()).connect()
    ws = await polling.upgrade()
    await ws.send("2probe")
    assert await ws.receive() == "3probe"
    assert (await polling.get()).text == "6"  # the poll that is released at once
    return polling, ws


async def test_poll_breaks_while_its_answer_is_being_written(link: Link, autojump_clock: Any) -> None:
    io = Server()
    reasons: list[str] = []
    io.on("disconnect", lambda socket, reason: reasons.append(reason))
    async with trio.open_nursery() as nursery:
        async with io:
            wire = Wire(io, nursery, link)
            polling, ws = await probed(wire)
            wire.narrow()
            broken = wire.stream()
            socket = only(io)
            socket.emit_nowait("large", LARGE)
            await broken.send_all(request(polling.target))
            await read_until(broken, b"HTTP/1.1 200")
            await wait_all_tasks_blocked()
            await ws.send("5")
            await wait_all_tasks_blocked()
            assert socket.transport == "websocket"
            nursery.start_soon(socket.flush)
            await wait_all_tasks_blocked()
            await trio.aclose_forcefully(broken)
            while not isinstance(await ws.receive(), CloseConnection):
                pass
            await ws.stream.aclose()
            await wait_all_tasks_blocked()
            assert reasons == ["transport error"]


async def test_poll_breaks_while_its_answer_is_compressed(
    running: Any,
) -> None:
    io = Server(http_compression=HttpCompression(worker_bytes=0))
    async with running(io) as wire:
        polling, ws = await probed(wire)
        limiter = io._require_runtime().host.service.compressing
        limiter.total_tokens = 1
        await limiter.acquire_on_behalf_of("the test")  # so that no thread compresses anything
        socket = only(io)
        socket.emit_nowait("large", LARGE)
        stream = wire.stream()
        await stream.send_all(request(polling.target, "Accept-Encoding: gzip"))
        await wait_all_tasks_blocked()
        await ws.send("5")
        assert await ws.receive() == f'42["large","{LARGE}"]'
        limiter.release_on_behalf_of("the test")
        assert await read_until(stream, b"\r\n\r\n6")
        await trio.aclose_forcefully(stream)
        socket.emit_nowait("more")
        assert await ws.receive() == '42["more"]'
        await socket.flush()
