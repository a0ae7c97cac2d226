"""Real clients and events: both ways, in order, with acknowledgements, volatile."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from clients.harness import JsClient, JsError, Node
from clients.server import DEADLINE, Mailbox, arrivals, connections, echoes, make_server, serving
from trio_socketio import Disconnected, Socket

pytestmark = pytest.mark.clients

WORDS = [
    "你好世界",
    7,
    -0.5,
    True,
    None,
    {"名字": ["小明", "🦆👩‍👩‍👧"], "empty": {}},
    [],
    "",
    '"\\\n\u2028\x1e\x00',
]


@pytest.mark.rows("D1", "D14", "D16", "F1", "F3")
@pytest.mark.needs("unicode")
async def test_events_both_ways(client: JsClient) -> None:
    io = make_server()
    sockets = connections(io)
    heard: Mailbox[list[Any]] = Mailbox()

    @io.on("说")
    async def say(socket: Socket, *args: Any) -> None:
        heard.put([*args])
        await socket.emit("听", *args)

    async with serving(io) as url:
        await client.connect(url)
        socket = await sockets.get()
        for args in (WORDS, [], [None], ["x"]):
            await client.emit("说", *args)
            assert await heard.get() == args
            assert await client.event("听") == args
        socket.emit_nowait("🦆", *WORDS)
        assert await client.event("🦆") == WORDS


@pytest.mark.rows("F4")
async def test_message_is_an_ordinary_event(client: JsClient) -> None:
    io = make_server()

    @io.on("message")
    async def message(socket: Socket, text: str) -> None:
        await socket.send(text, "back")

    async with serving(io) as url:
        await client.connect(url)
        await client.emit("message", "there")
        assert await client.event("message") == ["there", "back"]


@pytest.mark.rows("F28")
async def test_a_burst_keeps_its_order(client: JsClient) -> None:
    io = make_server()

    @io.on("step")
    async def step(socket: Socket, number: int) -> None:
        await socket.emit("stepped", number)

    async with serving(io) as url:
        await client.connect(url)
        for number in range(100):
            await client.emit("step", number)
        assert await client.events("stepped", 100) == [[number] for number in range(100)]


@pytest.mark.needs("upgrade")
@pytest.mark.rows("C13")
async def test_an_upgrade_loses_and_reorders_nothing(client: JsClient) -> None:
    io = make_server()

    @io.on("step")
    async def step(socket: Socket, number: int) -> None:
        await socket.emit("stepped", number, bytes([number % 256]))

    async with serving(io) as url:
        await client.start(url)
        count = 0
        while count < 100 or not client.pending("upgrade"):
            await client.emit("step", count)
            count += 1
        expected = [[number, bytes([number % 256])] for number in range(count)]
        assert await client.events("stepped", count) == expected
        assert not client.pending("stepped")


@pytest.mark.rows("F6")
@pytest.mark.needs("unicode")
async def test_the_server_acknowledges(client: JsClient) -> None:
    io = make_server()
    done: Mailbox[str] = Mailbox()

    @io.on("one")
    async def one(socket: Socket, *args: Any) -> list[Any]:
        return [*args]

    @io.on("several")
    def several(socket: Socket) -> tuple[str, None, dict[str, int]]:
        return "你好", None, {"🦆": 2}

    @io.on("none")
    async def none(socket: Socket) -> None:
        done.put(socket.id)

    async with serving(io) as url:
        await client.connect(url)
        assert await client.call("one", *WORDS) == [WORDS]
        assert await client.call("several") == ["你好", None, {"🦆": 2}]
        assert await client.call("none") == []
        assert await done.get() == (await client.state())["id"]


@pytest.mark.rows("D11", "F9")
@pytest.mark.needs("unicode")
async def test_the_client_acknowledges(client: JsClient) -> None:
    io = make_server()
    sockets = connections(io)
    async with serving(io) as url:
        await client.connect(url)
        socket = await sockets.get()
        await client.answer("one", WORDS)
        await client.answer("several", "你好", None, 3)
        await client.answer("none")
        with trio.fail_after(DEADLINE):
            assert await socket.call("one", "x", 2) == WORDS
            assert await socket.call("several") == ("你好", None, 3)
            assert await socket.call("none") is None
        assert await client.event("one") == ["x", 2]


@pytest.mark.rows("F9", "F10")
async def test_an_acknowledgement_that_never_comes(client: JsClient) -> None:
    io = make_server()
    sockets = connections(io)
    async with serving(io) as url:
        await client.connect(url)
        socket = await sockets.get()
        with pytest.raises(trio.TooSlowError):
            with trio.fail_after(0.2):
                await socket.call("silent", 1)
        assert await client.event("silent") == [1]

        await client.answer("silent", "now")
        with trio.fail_after(DEADLINE):
            assert await socket.call("silent", 2) == "now"


@pytest.mark.rows("F9")
async def test_a_pending_call_fails_when_the_client_goes(client: JsClient) -> None:
    io = make_server()
    sockets = connections(io)

    async def go() -> None:
        await client.event("silent")
        await client.disconnect()

    async with serving(io) as url:
        await client.connect(url)
        socket = await sockets.get()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(go)
            with pytest.raises(Disconnected), trio.fail_after(DEADLINE):
                await socket.call("silent")
        with pytest.raises(Disconnected):
            await socket.emit("too late")


@pytest.mark.needs("timeout")
@pytest.mark.rows("F6")
async def test_the_client_times_out(client: JsClient) -> None:
    io = make_server()
    echoes(io)
    async with serving(io) as url:
        await client.connect(url)
        with pytest.raises(JsError, match="operation has timed out"):
            await client.call("nobody listens", timeout=0.2)
        assert await client.call("echo", "你好", timeout=DEADLINE) == ["你好"]


@pytest.mark.rows("F11")
async def test_volatile_events_are_not_queued(client: JsClient, node: Node) -> None:
    io = make_server()
    sockets, arrived = connections(io), arrivals(io)

    async with serving(io) as url:
        await client.connect(url)
        socket = await sockets.get()
        await client.at_rest(arrived)
        await socket.volatile.emit("volatile", "in time")
        assert await client.event("volatile") == ["in time"]

        async def fill() -> None:
            while True:
                await socket.emit("filler", "x" * 500_000)

        node.pause()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(fill)
                await wait_all_tasks_blocked(0.1)
                await socket.volatile.emit("volatile", "late")
                nursery.cancel_scope.cancel()
        finally:
            node.resume()
        await socket.emit("after")
        await client.event("after")
        assert client.pending("filler")
        assert not client.pending("volatile")
