"""Emitting: order, rooms, flags, the outbox and its policies."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import trio
from support.links import IN_FLIGHT, only, stuck
from support.wire import client_frame
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import (
    Disconnected,
    LocalProtocolError,
    Outbox,
    ReservedEventError,
    Server,
    Socket,
)

RESERVED = ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]


@pytest.mark.rows("F3", "F4", "D14")
async def test_emit_send_and_emit_nowait_keep_their_order(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        socket = only(io)
        await socket.emit("一", "二", {"三": ["😀", None, True]})
        socket.emit_nowait("b", 1.5)
        await socket.send("hello", "world")
        await io.emit("c")
        io.emit_nowait("d")
        assert await client.receive() == '2["一","二",{"三":["😀",null,true]}]'
        assert [await client.event() for _ in range(4)] == [
            ["b", 1.5],
            ["message", "hello", "world"],
            ["c"],
            ["d"],
        ]


@pytest.mark.rows("F4")
async def test_message_is_an_ordinary_event(running: Any) -> None:
    io = Server()
    io.on("message", lambda socket, text: text.upper())
    async with running(io) as net:
        client = await net.connect()
        assert await client.call("message", "abc") == ["ABC"]


@pytest.mark.rows("D10")
@pytest.mark.parametrize("event", RESERVED)
async def test_reserved_names_are_refused_on_emit(running: Any, event: str) -> None:
    io = Server()
    async with running(io) as net:
        await net.connect()
        for emit in (only(io).emit, io.emit, only(io).call):
            with pytest.raises(ReservedEventError, match=f'^"{event}" is a reserved event name$'):
                await emit(event)


@pytest.mark.rows("D9")
@pytest.mark.parametrize("event", RESERVED)
async def test_reserved_names_are_refused_on_receive(running: Any, event: str) -> None:
    io = Server()
    calls: list[Any] = []
    io.on("connection", lambda socket: calls.append("connection"))
    io.on("disconnect", lambda socket, reason: calls.append(reason))
    async with running(io) as net:
        client = await net.connect()
        await client.emit(event)
        assert isinstance(await client.receive(), CloseConnection)
        await wait_all_tasks_blocked()
    assert calls == ["connection", "forced close"]


async def test_what_cannot_be_encoded_is_the_callers_error(running: Any) -> None:
    io = Server()
    circle: list[Any] = []
    circle.append(circle)
    async with running(io) as net:
        client, other = await net.connect(), await net.connect()
        for value in (object(), circle, {"deep": [lambda: None]}):
            with pytest.raises(LocalProtocolError):
                await io.emit("ev", value)
            with pytest.raises(LocalProtocolError):
                await next(iter(io.sockets.values())).emit("ev", b"binary", value)
        await io.emit("fine", float("nan"), {1})
        assert await client.event() == await other.event() == ["fine", None, [1]]


@pytest.mark.rows("D2", "D3", "D11")
async def test_header_and_attachments_are_never_interleaved(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        socket = only(io)

        async def emit(name: str) -> None:
            for i in range(20):
                await socket.emit(name, i, b"one", {"in": (bytearray(b"two"), memoryview(b"three"))})
                await trio.lowlevel.checkpoint()

        async with trio.open_nursery() as nursery:
            for name in "abc":
                nursery.start_soon(emit, name)
        counts = dict.fromkeys("abc", 0)
        for _ in range(60):
            head = await client.receive()
            assert isinstance(head, str)
            assert head.startswith("53-[")
            name = head[5]
            assert head == (
                f'53-["{name}",{counts[name]},{{"_placeholder":true,"num":0}},'
                '{"in":[{"_placeholder":true,"num":1},{"_placeholder":true,"num":2}]}]'
            )
            counts[name] += 1
            assert [await client.receive() for _ in range(3)] == [b"one", b"two", b"three"]


@pytest.mark.rows("G1", "G2", "G5", "G6", "G4", "G3", "F26")
async def test_rooms_and_operators(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        clients = {name: await net.connect() for name in "abcd"}
        sockets = {name: io.sockets[client.sids["/"]] for name, client in clients.items()}
        a, b, c, d = (sockets[name] for name in "abcd")
        a.join("one", "two")
        b.join(["one"])
        c.join("two")
        assert a.rooms == {a.id, "one", "two"}

        async def heard(*names: str) -> None:
            """Exactly these heard the last emit, once each; an end mark shows that there was nothing else."""
            await io.emit("mark")
            for name, client in clients.items():
                if name in names:
                    assert await client.event() == ["ev"], name
                assert await client.event() == ["mark"], name

        await io.emit("ev")
        await heard("a", "b", "c", "d")
        await io.to("one").to("two").emit("ev")
        await heard("a", "b", "c")
        await io.in_("one", "two").except_("two").emit("ev")
        await heard("b")
        await io.except_(["one", d.id]).emit("ev")
        await heard("c")
        await a.broadcast.emit("ev")
        await heard("b", "c", "d")
        await a.to("one").emit("ev")
        await heard("b")
        await a.in_("one").to("two").local.emit("ev")
        await heard("b", "c")
        await a.except_("one").emit("ev")
        await heard("c", "d")
        await io.to(d.id).emit("ev")
        await heard("d")
        await d.to(d.id).emit("ev")
        await heard()
        await io.to("nowhere").emit("ev")
        await heard()
        await io.volatile.compress(False).local.to("one").emit("ev")
        await heard("a", "b")
        a.leave("one")
        a.leave("one", "never")
        await io.to("one").emit("ev")
        await heard("b")
        both = io.to("one")
        both.to("two")  # operators are immutable
        await both.emit("ev")
        await heard("b")
        await io.in_("two").sockets_join("three")
        await io.to("three").sockets_leave("two")
        assert {s.id for s in await io.in_("three").fetch_sockets()} == {a.id, c.id}
        assert await io.in_("two").fetch_sockets() == []
        await io.in_("three").disconnect_sockets()
        assert not a.connected
        assert not c.connected
        assert b.connected


async def test_room_names_are_text(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        await net.connect()
        socket = only(io)
        for wrong in (5, None, [1], {"a": 1}.values(), b"room"):
            with pytest.raises(TypeError):
                socket.join(wrong)  # type: ignore[arg-type]
            with pytest.raises(TypeError):
                io.to(wrong)  # type: ignore[arg-type]


@pytest.mark.rows("G18")
async def test_emit_from_any_task(running: Any) -> None:
    io = Server()
    with pytest.raises(RuntimeError, match="async with io"):
        _ = io.engine
    await io.emit("nobody is there")
    async with running(io) as net:
        client = await net.connect()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(io.emit, "from a task")
        assert await client.event() == ["from a task"]


@pytest.mark.rows("G22")
async def test_order_of_broadcasts_unicasts_and_acks(running: Any) -> None:
    io = Server()

    @io.on("go")
    async def go(socket: Socket) -> str:
        for i in range(100):
            await io.emit("n", 3 * i)
            await socket.emit("n", 3 * i + 1)
            await io.to(socket.id).emit("n", 3 * i + 2)
        return "done"

    async with running(io) as net:
        client = await net.connect()
        await client.emit("go", ack=0)
        assert [(await client.event())[1] for _ in range(300)] == list(range(300))
        assert await client.receive() == '30["done"]'


@pytest.mark.rows("F24")
async def test_emit_after_the_end_raises_and_writes_nothing(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        socket = only(io)
        socket.join("room")
        socket.disconnect()
        for emit in (socket.emit, socket.call, socket.send, socket.volatile.emit):
            with pytest.raises(Disconnected, match="server namespace disconnect"):
                await emit("late")
        with pytest.raises(Disconnected):
            socket.emit_nowait("late")
        await io.to("room").emit("late")
        await io.emit("late")
        assert await client.receive() == "1"
        await client.connect()
        await io.emit("mark")
        assert await client.event() == ["mark"]


async def test_cancelled_emits_were_not_queued(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        socket = only(io)
        for emit in (socket.emit, io.emit, socket.volatile.emit, socket.call, socket.send):
            with trio.CancelScope() as scope:
                scope.cancel()
                await emit("never")
            assert scope.cancelled_caught
        await socket.emit("mark")
        assert await client.event() == ["mark"]


async def test_emit_yields_at_least_every_32nd_call(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        await net.connect()
        socket = only(io)
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                await trio.lowlevel.checkpoint()
                turns += 1

        async with trio.open_nursery() as nursery:
            nursery.start_soon(count)
            await trio.lowlevel.checkpoint()
            turns = 0
            for _ in range(320):
                await socket.emit("ev")
            assert 8 <= turns <= 40
            nursery.cancel_scope.cancel()


# A client that does not read


@pytest.mark.rows("M2", "F21")
async def test_client_that_stops_reading_is_cut_at_the_limit(
    running: Any, autojump_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server(outbox=Outbox(max_packets=10))
    reasons: list[Any] = []
    io.on("disconnect", lambda socket, reason, description: reasons.append((reason, description)))
    async with running(io) as net:
        _, socket = await stuck(net)
        other = await net.connect("/")
        for _ in range(9):
            socket.emit_nowait("ev")
        assert socket.connected
        socket.emit_nowait("one too many")
        assert not socket.connected
        await wait_all_tasks_blocked()
        assert reasons == [
            ("forced server close", "the client does not read: outbox of 10 packets, 1048576 bytes is full")
        ]
        records = [r for r in caplog.records if r.levelno >= logging.WARNING]
        assert len(records) == 1
        assert "does not read" in records[0].getMessage()
        await io.emit("fine")
        assert await other.event() == ["fine"]


@pytest.mark.rows("M2")
async def test_broadcasts_and_acks_never_wait(running: Any, autojump_clock: Any) -> None:
    io = Server(outbox=Outbox(max_bytes=30_000))
    async with running(io) as net:
        _, socket = await stuck(net)
        other = await net.connect()
        await io.emit("ev", "x" * 9000)
        assert (await other.event())[0] == "ev"
        assert socket.connected
        await wait_all_tasks_blocked()
        await io.emit("ev", "x" * 9000)
        assert not socket.connected
        assert (await other.event())[0] == "ev"
        assert io.engine.clients_count == 1


async def test_emit_waits_for_room_and_the_client_that_reads_again_gets_all(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(outbox=Outbox(max_packets=3))
    async with running(io) as net:
        client, socket = await stuck(net)
        sent: list[int] = []

        async def emit() -> None:
            for i in range(10):
                await socket.emit("n", i)
                sent.append(i)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(emit)
            await wait_all_tasks_blocked()
            assert sent == [0, 1]
            assert await client.event() == IN_FLIGHT
            assert [(await client.event())[1] for _ in range(10)] == list(range(10))


async def test_cancelled_while_waiting_for_room_was_not_queued(running: Any, autojump_clock: Any) -> None:
    io = Server(outbox=Outbox(max_packets=1))
    async with running(io) as net:
        client, socket = await stuck(net)
        with trio.move_on_after(1) as scope:
            await socket.emit("never")
        assert scope.cancelled_caught
        assert await client.event() == IN_FLIGHT
        async with trio.open_nursery() as nursery:
            nursery.start_soon(socket.emit, "mark")
            assert await client.event() == ["mark"]


@pytest.mark.parametrize("policy", ["disconnect", "block"])
async def test_write_timeout(running: Any, autojump_clock: Any, policy: Any) -> None:
    io = Server(outbox=Outbox(max_packets=1, policy=policy), write_timeout=3, ping_interval=50)
    async with running(io) as net:
        _, socket = await stuck(net)
        start = trio.current_time()
        if policy == "disconnect":
            with pytest.raises(Disconnected):
                await socket.emit("ev")
            assert trio.current_time() - start == pytest.approx(3)
            assert not socket.connected
        else:
            with trio.move_on_after(30) as scope:
                await socket.emit("ev")
            assert scope.cancelled_caught
            assert socket.connected
            socket.emit_nowait("under block, what does not wait acts as disconnect")
            assert not socket.connected


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        ("drop_oldest", [["b", 1], ["a", 2], ["b", 2]]),
        ("drop_newest", [["a", 0], ["b", 0], ["a", 1]]),
        ("latest_per_event", [["a", 2], ["b", 2]]),
    ],
)
async def test_drop_policies_apply_at_once(running: Any, autojump_clock: Any, policy: Any, left: Any) -> None:
    io = Server(outbox=Outbox(max_packets=4, policy=policy))
    async with running(io) as net:
        client, socket = await stuck(net)
        for i in range(3):
            await socket.emit("a", i)
            await socket.emit("b", i)
        assert socket.connected
        assert await client.event() == IN_FLIGHT
        assert [await client.event() for _ in left] == left


async def test_protected_packets_are_never_dropped(running: Any, autojump_clock: Any) -> None:
    io = Server(outbox=Outbox(max_packets=4, policy="drop_oldest"))
    io.of("/x")
    io.on("ask", lambda socket: "answer")
    async with running(io) as net:
        client, socket = await stuck(net)
        await client.ws.send_raw(client_frame(1, b'421["ask"]') + client_frame(1, b"40/x,"))
        await wait_all_tasks_blocked()
        for i in range(20):
            await socket.emit("n", i)
        assert await client.event() == IN_FLIGHT
        assert await client.receive() == '31["answer"]'
        assert str(await client.receive()).startswith('0/x,{"sid"')
        assert await client.event() == ["n", 19]


async def test_message_larger_than_the_outbox_is_accepted_when_it_is_empty(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(outbox=Outbox(max_bytes=100))
    async with running(io) as net:
        net.narrow()
        client = await net.connect()
        socket = only(io)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(socket.emit, "big", "x" * 1000)
            await wait_all_tasks_blocked()
            nursery.start_soon(socket.emit, "next")
            assert len((await client.event())[1]) == 1000
            assert await client.event() == ["next"]


@pytest.mark.rows("F11")
async def test_volatile_is_dropped_iff_an_earlier_flush_is_unsent(running: Any, autojump_clock: Any) -> None:
    io = Server()
    async with running(io) as net:
        client, socket = await stuck(net)
        await socket.volatile.emit("dropped")
        await io.volatile.emit("dropped")
        assert socket._client.session.volatile_dropped == 2
        assert await client.event() == IN_FLIGHT
        await wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(socket.volatile.emit, "sent")
            assert await client.event() == ["sent"]


@pytest.mark.rows("F11")
async def test_volatile_on_polling_needs_a_waiting_poll(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        polling = await (await net.polling()).connect()
        socket = only(io)
        await socket.volatile.emit("dropped")
        async with trio.open_nursery() as nursery:

            async def poll() -> None:
                assert (await polling.get()).text == '42["sent"]'

            nursery.start_soon(poll)
            await wait_all_tasks_blocked()
            await socket.volatile.emit("sent")
        assert socket._client.session.volatile_dropped == 1


async def test_flush_waits_until_it_is_written(running: Any, autojump_clock: Any) -> None:
    io = Server()
    async with running(io) as net:
        client, socket = await stuck(net)
        await socket.emit("last")
        flushed = trio.Event()

        async def flush() -> None:
            await socket.flush()
            flushed.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(flush)
            await wait_all_tasks_blocked()
            assert not flushed.is_set()
            assert await client.event() == IN_FLIGHT
            assert await client.event() == ["last"]
            await flushed.wait()
        await client.ws.stream.aclose()
        await socket.flush()


async def test_server_side_emit_needs_a_cluster(running: Any) -> None:
    io = Server()
    with pytest.raises(LocalProtocolError, match="cluster adapter"):
        await io.server_side_emit("ev")


@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest", "latest_per_event"])
async def test_call_is_never_dropped(running: Any, autojump_clock: Any, policy: Any) -> None:
    io = Server(outbox=Outbox(max_packets=3, policy=policy))
    async with running(io) as net:
        client, socket = await stuck(net)
        for i in range(5):
            await socket.emit("n", i)
        answers: list[Any] = []

        async def call(number: int) -> None:
            answers.append(await socket.call("ask", number))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call, 1)
            nursery.start_soon(call, 2)
            await wait_all_tasks_blocked()
            for i in range(5):
                await socket.emit("n", i)
            assert await client.event() == IN_FLIGHT
            while len(answers) < 2:
                message = str(await client.receive())
                if '"ask"' in message:
                    ack_id, _, rest = message[1:].partition("[")
                    await client.send(f'3{ack_id}["answer to {rest[6:-1]}"]')
                    await wait_all_tasks_blocked()
        assert sorted(answers) == ["answer to 1", "answer to 2"]


async def test_heartbeat_is_never_dropped(running: Any, autojump_clock: Any) -> None:
    io = Server(outbox=Outbox(max_packets=2, policy="drop_oldest"), ping_interval=5, ping_timeout=5)
    async with running(io) as net:
        client, socket = await stuck(net)
        await trio.sleep(6)
        for i in range(5):
            await socket.emit("n", i)
        assert await client.event() == IN_FLIGHT
        assert await client.ws.receive() == "2"
