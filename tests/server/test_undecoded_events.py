"""Many small events at once are all handled; those beyond the inbox wait undecoded."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.handlers import Slow, asked, counted_turns, pending_call
from support.logs import warnings
from support.peers import Transport, each_transport, open_peer
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import EngineServer, EngineSocket, Server, Socket


@pytest.mark.rows("P18")
@pytest.mark.parametrize("count", [1_100, pytest.param(100_000, marks=pytest.mark.slow)])
async def test_events_of_one_post_are_all_handled(running: Any, count: int) -> None:
    io = Server()
    seen: list[int] = []
    io.on("n", lambda socket, n: seen.append(n))
    async with running(io) as net:
        polling = await (await net.polling()).connect()
        body = "\x1e".join(f'42["n",{n % 10}]' for n in range(count))[: io.config.max_http_buffer_size]
        async with counted_turns() as turns:
            assert (await polling.post(body.rpartition("\x1e")[0])).text == "ok"
            assert turns.count > len(seen) // 64
    assert len(seen) >= min(count, 80_000) - 1


@pytest.mark.rows("P18")
async def test_events_of_one_post_are_all_handled_by_a_slow_handler(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(inbox_events=8)
    seen: list[int] = []
    waiting: list[int] = []

    @io.on("n")
    async def handle(socket: Socket, n: int) -> None:
        assert socket._state.mailbox.inbox is not None
        waiting.append(socket._state.mailbox.inbox.count)
        await trio.lowlevel.checkpoint()
        seen.append(n)

    async with running(io) as net:
        polling = await (await net.polling()).connect()
        assert (await polling.post("\x1e".join(f'42["n",{n}]' for n in range(1_100)))).text == "ok"
        await wait_all_tasks_blocked()
    assert seen == list(range(1_100))
    assert max(waiting) <= 8


@pytest.mark.rows("P18")
@each_transport
async def test_messages_of_an_engine_wait_undecoded(running: Any, transport: Transport) -> None:
    eio = EngineServer(inbox_events=8)
    seen: list[str] = []

    @eio.on("message")
    async def message(socket: EngineSocket, data: str) -> None:
        await trio.lowlevel.checkpoint()
        seen.append(data)

    async with running(eio) as net:
        peer = await open_peer(net, transport)
        await peer.send(*[str(n) for n in range(1_100)])
        while len(seen) < 1_100:
            await trio.lowlevel.checkpoint()
    assert seen == [str(n) for n in range(1_100)]


@pytest.mark.rows("P18")
async def test_events_behind_a_pending_call_over_polling_are_kept(running: Any, autojump_clock: Any) -> None:
    io = Server()
    seen: list[Any] = []
    io.on("n", lambda socket, n: seen.append(n))

    @io.on("go")
    async def go(socket: Socket) -> None:
        seen.append(await socket.call("ask"))

    async with running(io) as net:
        polling = await (await net.polling()).connect()
        await polling.post('42["go"]')
        assert (await polling.get()).text == '420["ask"]'
        body = "\x1e".join(f'42["n",{n}]' for n in range(3_000))
        assert (await polling.post(body)).text == "ok"
        assert seen == []
        assert (await polling.post('430["answer"]')).text == "ok"
        await wait_all_tasks_blocked()
    assert seen == ["answer", *range(3_000)]


@pytest.mark.rows("P18")
async def test_events_behind_a_pending_call_over_websocket_wait_undecoded(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(inbox_events=8)
    seen: list[Any] = []
    waiting: list[int] = []

    @io.on("n")
    async def handle(socket: Socket, *values: Any) -> None:
        assert socket._state.mailbox.inbox is not None
        waiting.append(socket._state.mailbox.inbox.count)
        seen.append(values)

    @io.on("go")
    async def go(socket: Socket) -> None:
        seen.append(await socket.call("ask"))

    async with running(io) as net:
        client = await net.connect()
        await client.emit("go")
        assert await client.event() == ["ask"]
        expected: list[Any] = ["answer"]
        for n in range(300):
            if n % 3:
                await client.emit("n", n)
                expected.append((n,))
            else:
                await client.send('51-["n",{"_placeholder":true,"num":0},"x"]')
                await client.send(b"%d" % n)
                expected.append((b"%d" % n, "x"))
        await client.send('30["answer"]')
        await wait_all_tasks_blocked()
    assert seen == expected
    assert max(waiting) <= 8


@pytest.mark.rows("P18")
@pytest.mark.parametrize("ordering", ["serial", "concurrent"])
async def test_events_behind_a_pending_call_are_all_handled_in_both_orderings(
    running: Any, autojump_clock: Any, ordering: Any
) -> None:
    io = Server(inbox_events=4, ordering=ordering)
    slow = Slow(io)
    io.of("/x")
    async with running(io) as net:
        client = await (await net.connect()).connect("/x")
        (other,) = io.of("/x").sockets.values()
        async with pending_call(client, other):
            for n in range(50):
                await client.emit("slow", n)
        slow.go_on.set()
        await wait_all_tasks_blocked()
    assert sorted(slow.done) == list(range(50))


@pytest.mark.rows("P18")
async def test_undecoded_event_that_is_no_json_ends_the_session(running: Any, autojump_clock: Any) -> None:
    io = Server(inbox_events=2)
    reasons: list[str] = []
    io.on("disconnect", lambda socket, reason: reasons.append(reason))
    io.on("n", lambda socket: None)
    async with running(io) as net:
        client = await asked(net)
        for text in ('2["n"]', '2["n"]', '2["n"]', '2["n'):
            await client.send(text)
        await wait_all_tasks_blocked()
        assert reasons == []
        await client.send('30["answer"]')
        assert isinstance(await client.receive(), CloseConnection)
        await wait_all_tasks_blocked()
    assert reasons == ["forced close"]


@pytest.mark.rows("P18")
async def test_too_many_bytes_behind_a_pending_call_close_the_connection(
    running: Any, autojump_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server(inbox_events=2, inbox_bytes=1_000, max_http_buffer_size=4_000)
    ends: list[Any] = []
    io.on("disconnect", lambda socket, reason, description: ends.append((reason, description)))
    async with running(io) as net:
        client = await asked(net)
        for _ in range(4):
            await client.emit("more", "x" * 1_100)
        await wait_all_tasks_blocked()
        assert ends == []
        await client.emit("more", "x" * 1_100)
        assert isinstance(await client.receive(), CloseConnection)
        await wait_all_tasks_blocked()
    ((reason, description),) = ends
    assert reason == "forced server close"
    assert "5000 bytes" in description
    assert "max_http_buffer_size + inbox_bytes" in description
    (warning,) = warnings(caplog)
    assert description in warning
