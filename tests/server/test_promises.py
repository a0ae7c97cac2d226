"""Sentences about the public API that no other file here shows."""

from __future__ import annotations

import inspect
from typing import Any, TypedDict

import pytest
import trio
from support.links import IN_FLIGHT, Link, stuck
from support.wire import HttpClient, Polling, Wire, client_frame
from trio.testing import wait_all_tasks_blocked

from trio_socketio import BroadcastOperator, ConnectRefused, Namespace, Outbox, Server, Socket

OPERATORS = (Server, Namespace, BroadcastOperator)


@pytest.mark.parametrize(
    ("names", "owners", "is_async"),
    [
        ("join leave disconnect ready", (Socket,), False),
        ("on off", (Server, Namespace, Socket), False),
        ("emit_nowait", (Socket, *OPERATORS), False),
        ("call flush", (Socket,), True),
        ("emit", (Socket, *OPERATORS), True),
        ("fetch_sockets sockets_join sockets_leave disconnect_sockets server_side_emit", OPERATORS, True),
    ],
)
def test_sync_or_async(names: str, owners: tuple[type, ...], is_async: bool) -> None:
    for owner in owners:
        for name in names.split():
            assert inspect.iscoroutinefunction(getattr(owner, name)) is is_async, (owner, name)


class Move(TypedDict):
    x: int


async def test_typed_dictionaries_are_validated(running: Any) -> None:
    io = Server()

    @io.on("move")
    def move(socket: Socket, to: Move) -> int:
        return to["x"]

    async with running(io) as net:
        client = await net.connect()
        assert await client.call("move", {"x": 1}) == [1]
        assert await client.call("move", {}, ack=1) == [
            {"error": "argument to: Object missing required field `x`"}
        ]


# connecting


async def test_only_middlewares_refuse(running: Any) -> None:
    io = Server()

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        raise ConnectRefused("too late")

    async with running(io) as net:
        client = await net.connect()
        assert await client.receive() == "1"  # no CONNECT_ERROR


# acknowledgements pass what waits


async def test_any_call_on_the_connection_keeps_it_reading(running: Any, autojump_clock: Any) -> None:
    io = Server(inbox_events=2)
    go_on = trio.Event()
    io.of("/x")

    @io.on("slow")
    async def slow(socket: Socket) -> None:
        await go_on.wait()

    async with running(io) as net:
        net.narrow()
        client = await (await net.connect()).connect("/x")
        (other,) = io.of("/x").sockets.values()
        answers: list[Any] = []

        async def call() -> None:
            answers.append(await other.call("ask"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call)
            assert await client.receive() == '2/x,0["ask"]'
            for _ in range(5):
                await client.emit("slow")
            await client.send('3/x,0["answer"]')
        assert answers == ["answer"]
        go_on.set()


async def test_any_call_lets_a_post_through_up_to_four_times_the_limit(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(inbox_events=2)
    ends: list[str] = []
    io.on("disconnect", lambda socket, reason, description: ends.append(description))

    @io.on("go")
    async def go(socket: Socket) -> None:
        await socket.call("ask")

    async with running(io) as net:
        polling = await (await net.polling()).connect()
        await polling.post('42["go"]')
        assert (await polling.get()).text == '420["ask"]'
        assert (await polling.post("\x1e".join(['42["more"]'] * 8))).text == "ok"
        assert (await polling.post('42["more"]')).status == 400
        await wait_all_tasks_blocked()
    assert ends == ["inbox of 8 events, 1048576 bytes is full while a call is pending"]


# emitting


@pytest.mark.parametrize("policy", ["block", "disconnect"])
@pytest.mark.parametrize("what", ["ack", "broadcast"])
async def test_acks_and_broadcasts_disconnect_a_client_that_does_not_read(
    running: Any, autojump_clock: Any, policy: Any, what: str
) -> None:
    io = Server(outbox=Outbox(max_packets=2, policy=policy))
    io.on("ask", lambda socket: "answer")
    async with running(io) as net:
        client, socket = await stuck(net)
        socket.emit_nowait("fits")
        assert socket.connected
        if what == "ack":
            await client.ws.send_raw(client_frame(1, b'421["ask"]') * 2)
            await wait_all_tasks_blocked()
        else:
            io.emit_nowait("ev")
        assert not socket.connected


async def test_header_and_attachments_are_dropped_together(running: Any, autojump_clock: Any) -> None:
    io = Server(outbox=Outbox(max_packets=2, policy="drop_oldest"))
    async with running(io) as net:
        client, socket = await stuck(net)
        for number in range(5):
            await socket.emit("picture", number, b"one", b"two")
        assert await client.event() == IN_FLIGHT
        head = await client.receive()
        assert str(head).startswith('52-["picture",4,')
        assert [await client.receive() for _ in range(2)] == [b"one", b"two"]


async def test_disconnect_is_never_dropped(running: Any, autojump_clock: Any) -> None:
    io = Server(outbox=Outbox(max_packets=3, policy="drop_oldest"))
    io.of("/x")
    async with running(io) as net:
        net.narrow()
        client = await (await net.connect()).connect("/x")
        (socket,) = io.sockets.values()
        (other,) = io.of("/x").sockets.values()
        socket.emit_nowait(*IN_FLIGHT)
        await wait_all_tasks_blocked()
        other.disconnect()
        for number in range(9):
            socket.emit_nowait("ev", number)
        assert await client.event() == IN_FLIGHT
        assert await client.receive() == "1/x,"
        assert await client.event() == ["ev", 8]


async def test_emit_yields_each_time_above_the_low_water_mark(running: Any, autojump_clock: Any) -> None:
    io = Server(outbox=Outbox(max_packets=100))
    async with running(io) as net:
        _, socket = await stuck(net)
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                await trio.lowlevel.checkpoint()
                turns += 1

        async with trio.open_nursery() as nursery:
            nursery.start_soon(count)
            for number in range(90):
                if number == 60:
                    turns = 0
                await socket.emit("ev")
            assert turns >= 28
            nursery.cancel_scope.cancel()


async def test_emit_that_yields_is_not_cancelled_after_it_was_queued(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(outbox=Outbox(max_packets=100))
    async with running(io) as net:
        _, socket = await stuck(net)
        for _ in range(60):
            socket.emit_nowait("ev")

        async def cancel(scope: trio.CancelScope) -> None:
            scope.cancel()

        async with trio.open_nursery() as nursery:
            for _ in range(30):  # the scheduler may run the other task first, or not
                with trio.CancelScope() as scope:
                    nursery.start_soon(cancel, scope)
                    await socket.emit("ev")
                assert not scope.cancelled_caught


# parents and the end


async def test_polling_session_outlives_its_connections(running: Any) -> None:
    io = Server()
    io.on("echo", lambda socket, value: value)
    async with running(io) as net:
        polling: Polling = await (await net.polling()).connect()
        for number in range(3):
            await polling.gets.stream.aclose()
            await polling.posts.stream.aclose()
            polling.gets, polling.posts = net.http(), net.http()
            await polling.post(f'420["echo",{number}]')
            assert (await polling.get()).text == f"430[{number}]"


async def test_cancelled_beside_an_error_in_a_group_is_not_swallowed(running: Any) -> None:
    io = Server()
    log: list[str] = []
    io.on_error(lambda socket, event, error: log.append(str(error)))

    async def child() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("while it was cancelled")

    @io.on("ev")
    async def ev(socket: Socket) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)
            nursery.start_soon(trio.sleep_forever)

    io.on("ev", lambda socket: log.append("this handler comes after a cancelled one"))
    async with running(io) as net:
        client = await net.connect()
        await client.emit("ev")
        await wait_all_tasks_blocked()
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
        assert io.sockets == {}
    assert log == ["while it was cancelled"]


async def test_disconnect_handlers_and_the_last_flush_share_one_grace(
    link: Link, autojump_clock: Any
) -> None:
    io = Server(disconnect_timeout=5)
    log: list[str] = []

    @io.on("disconnect")
    async def gone(socket: Socket) -> None:
        await trio.sleep(4)
        log.append("handled")

    async with trio.open_nursery() as nursery:
        async with io:
            net = Wire(io, nursery, link)
            await stuck(net)
            start = trio.current_time()
        assert trio.current_time() - start == pytest.approx(5, abs=0.1)
        nursery.cancel_scope.cancel()
    assert log == ["handled"]


async def test_listeners_close_before_handlers_end(nursery: trio.Nursery) -> None:
    io = Server()
    log: list[str] = []
    async with io:
        listeners = await nursery.start(io.serve, "127.0.0.1", 0)
        port = listeners[0].socket.getsockname()[1]

        @io.on("disconnect")
        async def gone(socket: Socket) -> None:
            with pytest.raises(OSError, match="failed"):
                await trio.open_tcp_stream("127.0.0.1", port)
            log.append("no listener")

        stream = await trio.open_tcp_stream("127.0.0.1", port)
        polling = HttpClient(stream)
        opened = await polling.request("GET", "/socket.io/?EIO=4&transport=polling")
        sid = opened.text.split('"')[3]
        await polling.request("POST", f"/socket.io/?EIO=4&transport=polling&sid={sid}", b"40")
        await polling.request("GET", f"/socket.io/?EIO=4&transport=polling&sid={sid}")
    assert log == ["no listener"]
    await stream.aclose()
