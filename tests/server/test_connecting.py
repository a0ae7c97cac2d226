"""CONNECT: middlewares, refusals, the handshake, what is held back, and what ends a connection."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import trio
from support.links import Link
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import ConnectRefused, Disconnected, Event, Server, Socket


@pytest.mark.rows("E2", "E4", "G2")
async def test_connect_gets_an_id_that_is_not_the_sessions(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        sid = client.sids["/"]
        assert len(sid) == 20
        assert sid != client.open["sid"]
        (socket,) = io.sockets.values()
        assert socket.id == sid
        assert socket.rooms == {sid}
        assert socket.conn.id == client.open["sid"]


@pytest.mark.rows("E2")
@pytest.mark.parametrize("auth", ["[1]", '"text"', "-5", "true"])
async def test_auth_that_is_no_object_closes(running: Any, auth: str) -> None:
    async with running(Server()) as net:
        client = await net.session()
        await client.send(f"0{auth}")
        assert isinstance(await client.receive(), CloseConnection)


@pytest.mark.rows("E16")
async def test_middlewares_run_in_order_before_connect_is_answered(running: Any) -> None:
    io = Server()
    log: list[str] = []
    go_on = trio.Event()

    @io.use
    async def first(socket: Socket) -> None:
        log.append("first")
        socket.join("early")
        await go_on.wait()

    @io.use
    def second(socket: Socket) -> None:
        log.append("second")

    @io.on("connection")
    def connection(socket: Socket) -> None:
        log.append(f"connection {sorted(socket.rooms - {socket.id})}")

    async with running(io) as net:
        client = await net.session()
        await client.send("0")
        await wait_all_tasks_blocked()
        assert log == ["first"]
        go_on.set()
        assert str(await client.receive()).startswith('0{"sid":')
        await wait_all_tasks_blocked()
    assert log == ["first", "second", "connection ['early']"]


@pytest.mark.rows("E17")
async def test_refusal_with_message_and_data(running: Any) -> None:
    io = Server()
    mid = io.of("mid")
    connections: list[Socket] = []
    mid.on("connection", connections.append)
    mid.on("disconnect", connections.append)

    @mid.use
    async def no(socket: Socket) -> None:
        if socket.handshake.auth.get("token") != "right":
            raise ConnectRefused("not authorized", data={"code": 7})

    async with running(io) as net:
        client = await net.session()
        await client.send("0/mid,")
        assert await client.receive() == '4/mid,{"message":"not authorized","data":{"code":7}}'
        await client.connect("/mid", {"token": "right"})
        await wait_all_tasks_blocked()
        assert len(connections) == 1


@pytest.mark.rows("E19")
async def test_unexpected_exception_in_a_middleware(running: Any, caplog: pytest.LogCaptureFixture) -> None:
    io = Server()
    errors: list[Exception] = []
    io.on_error(lambda socket, event, error: errors.append(error))

    @io.use
    async def broken(socket: Socket) -> None:
        raise ValueError("swordfish")

    async with running(io) as net:
        client = await net.session()
        await client.send("0")
        assert await client.receive() == '4{"message":"Internal server error"}'
    assert [str(error) for error in errors] == ["swordfish"]
    assert sum(record.levelno >= logging.WARNING for record in caplog.records) == 1


@pytest.mark.rows("E16")
async def test_middleware_is_cancelled_when_the_client_goes(running: Any) -> None:
    io = Server()
    cancelled = trio.Event()
    ended: list[Socket] = []
    io.on("disconnect", ended.append)

    @io.use
    async def slow(socket: Socket) -> None:
        try:
            await trio.sleep_forever()
        finally:
            cancelled.set()

    async with running(io) as net:
        client = await net.session()
        await client.send("0")
        await wait_all_tasks_blocked()
        await client.ws.stream.aclose()
        await cancelled.wait()
    assert ended == []


@pytest.mark.rows("E19")
async def test_exception_in_connection_disconnects_with_41(running: Any) -> None:
    io = Server()
    seen: list[Any] = []
    io.on_error(lambda socket, event, error: seen.append((event, str(error))))
    io.on("disconnect", lambda socket, reason: seen.append(reason))

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        raise ValueError("swordfish")

    async with running(io) as net:
        client = await net.connect()
        assert await client.receive() == "1"
        await wait_all_tasks_blocked()
    assert seen == [("connection", "swordfish"), "server namespace disconnect"]


async def test_nothing_is_emitted_before_connect(running: Any) -> None:
    io = Server()
    go_on = trio.Event()
    early: list[BaseException] = []

    @io.use
    async def slow(socket: Socket) -> None:
        socket.join("lobby")
        for emit in (socket.emit_nowait, socket.volatile.emit_nowait):
            with pytest.raises(Disconnected, match="not connected yet") as info:
                emit("early")
            early.append(info.value)
        with pytest.raises(Disconnected):
            await socket.emit("early")
        await go_on.wait()

    async with running(io) as net:
        client = await net.session()
        await client.send("0")
        await wait_all_tasks_blocked()
        await io.emit("too early")
        await io.to("lobby").emit("too early")
        go_on.set()
        assert str(await client.receive()).startswith('0{"sid":')
        await io.to("lobby").emit("now")
        assert await client.event() == ["now"]
    assert len(early) == 2


@pytest.mark.rows("E24")
async def test_events_are_held_until_the_connection_handlers_return(running: Any) -> None:
    io = Server()
    go_on = trio.Event()
    log: list[str] = []

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        await go_on.wait()
        socket.on("late", log.append)

    @io.on("connect")  # Node's other name for the same
    def other(socket: Socket) -> None:
        log.append("other handler")

    async with running(io) as net:
        client = await net.connect()
        await client.emit("late", "first")
        await client.emit("late", "second")
        await wait_all_tasks_blocked()
        assert log == ["other handler"]
        go_on.set()
        await wait_all_tasks_blocked()
        assert log == ["other handler", "first", "second"]


async def test_ready_lets_events_through_while_the_handler_goes_on(running: Any) -> None:
    io = Server()
    log: list[str] = []

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        log.append("begins")
        socket.ready()
        socket.ready()
        await trio.sleep_forever()

    @io.on("ev")
    async def ev(socket: Socket) -> None:
        log.append("event")

    async with running(io) as net:
        client = await net.connect()
        assert await client.call("ev") == []
    assert log == ["begins", "event"]


async def test_hold_ends_after_connect_timeout(running: Any, autojump_clock: Any) -> None:
    io = Server(connect_timeout=7)
    times: list[float] = []

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        await trio.sleep_forever()

    @io.on("ev")
    async def ev(socket: Socket) -> None:
        times.append(trio.current_time())

    async with running(io) as net:
        start = trio.current_time()
        client = await net.connect()
        await client.call("ev")
    assert 7 <= times[0] - start < 7.2


async def test_iterating_implies_ready_and_takes_what_no_handler_claims(running: Any) -> None:
    io = Server()
    log: list[Any] = []
    ended = trio.Event()

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        try:
            async for event in socket:
                log.append((event.name, event.args))
                event.ack("taken")
        finally:
            ended.set()

    @io.on("claimed")
    def claimed(socket: Socket) -> str:
        return "claimed"

    async with running(io) as net:
        client = await net.connect()
        assert await client.call("free", 1, 2) == ["taken"]
        assert await client.call("claimed", ack=1) == ["claimed"]
        assert await client.call("free", ack=2) == ["taken"]
        await client.ws.close()
        await ended.wait()
    assert log == [("free", [1, 2]), ("free", [])]
    assert Event._fields == ("name", "args", "ack")


async def test_unclaimed_events_are_dropped_and_counted(running: Any) -> None:
    io = Server()
    io.on("sync", lambda socket: None)
    async with running(io) as net:
        client = await net.connect()
        await client.emit("nobody")
        await client.emit("nobody")
        await client.call("sync")
        (socket,) = io.sockets.values()
        assert socket.dropped == 2


@pytest.mark.rows("E11")
async def test_unknown_namespace(running: Any) -> None:
    async with running(Server()) as net:
        client = await net.session()
        await client.send("0/nope,")
        assert await client.receive() == '4/nope,{"message":"Invalid namespace"}'
        await client.connect()


@pytest.mark.rows("E3", "E26", "F18")
async def test_namespaces_are_multiplexed_and_independent(running: Any) -> None:
    io = Server()
    post = io.of("post")  # the slash is added
    assert post is io.of("/post")
    reasons: list[str] = []
    post.on("disconnect", lambda socket, reason: reasons.append(reason))
    io.on("ev", lambda socket: "main")
    post.on("ev", lambda socket: "post")
    async with running(io) as net:
        client = await net.session()
        await client.send("0/post,")
        assert str(await client.receive()).startswith('0/post,{"sid":"')
        await client.connect()
        await client.send('2/post,0["ev"]')
        assert await client.receive() == '3/post,0["post"]'
        assert await client.call("ev") == ["main"]
        (socket,) = post.sockets.values()
        assert socket.id != client.sids["/"]
        socket.disconnect()
        assert await client.receive() == "1/post,"
        await wait_all_tasks_blocked()
        assert reasons == ["server namespace disconnect"]
        assert await client.call("ev", ack=1) == ["main"]
        await client.connect("/post")


@pytest.mark.rows("E13", "F22")
@pytest.mark.parametrize("namespace", ["/", "/x"])
async def test_second_connect_to_a_namespace_closes_all(running: Any, namespace: str) -> None:
    io = Server()
    reasons: list[Any] = []
    io.of(namespace).on(
        "disconnect", lambda socket, reason, description: reasons.append((reason, description))
    )
    async with running(io) as net:
        client = await net.connect(namespace)
        await client.send(f"0{'' if namespace == '/' else namespace + ','}")
        assert isinstance(await client.receive(), CloseConnection)
        await wait_all_tasks_blocked()
    assert reasons == [("forced close", "CONNECT to a namespace that is joined already")]


@pytest.mark.rows("E14")
@pytest.mark.parametrize("packet", ['2/x,["ev"]', "3/x,0[]", "1/x,", '4/x,{"message":"no"}'])
async def test_packet_for_a_namespace_not_joined_closes_all(running: Any, packet: str) -> None:
    io = Server()
    io.of("/x")
    reasons: list[str] = []
    io.on("disconnect", lambda socket, reason: reasons.append(reason))
    async with running(io) as net:
        client = await net.connect()
        await client.send(packet)
        assert isinstance(await client.receive(), CloseConnection)
        await wait_all_tasks_blocked()
    assert reasons == ["forced close"]


async def test_what_was_on_its_way_when_we_disconnected_is_ignored(running: Any) -> None:
    io = Server()
    io.on("ev", lambda socket: "main")
    async with running(io) as net:
        client = await net.connect()
        x = io.of("/x")
        await client.connect("/x")
        next(iter(x.sockets.values())).disconnect()
        await client.send('2/x,["late"]')
        assert await client.receive() == "1/x,"
        assert await client.call("ev") == ["main"]


@pytest.mark.rows("E15")
async def test_connect_timeout(running: Any, autojump_clock: Any) -> None:
    io = Server(connect_timeout=5)
    async with running(io) as net:
        start = trio.current_time()
        client = await net.session()
        assert isinstance(await client.receive(), CloseConnection)
        assert 5 <= trio.current_time() - start < 5.2


@pytest.mark.rows("E15")
async def test_connect_timeout_is_armed_again_when_the_last_namespace_is_left(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(connect_timeout=5)
    async with running(io) as net:
        client = await net.connect()
        await trio.sleep(10)
        start = trio.current_time()
        await client.send("1")
        assert isinstance(await client.receive(), CloseConnection)
        assert 5 <= trio.current_time() - start < 5.2


@pytest.mark.rows("E20", "E21", "E22", "E23")
async def test_handshake_has_nodes_nine_fields(running: Any, link: Link) -> None:
    io = Server()
    io.of("/x")
    async with running(io) as net:
        client = await net.session("&token=a%20b&token=c", {"X-Thing": "one", "Cookie": "k=v"})
        await client.connect("/", {"user": "u"})
        await client.connect("/x")
        (socket,) = io.sockets.values()
        (other,) = io.of("/x").sockets.values()
        handshake = socket.handshake
        assert handshake.headers["x-thing"] == "one"
        assert handshake.query == {"EIO": "4", "transport": "websocket", "token": "c"}
        assert handshake.url == "/socket.io/?EIO=4&transport=websocket&token=a%20b&token=c"
        assert handshake.auth == {"user": "u"}
        assert other.handshake.auth == {}
        address = "unix" if link.driver == "reactor" else ""
        assert (handshake.address, handshake.secure, handshake.xdomain) == (address, False, False)
        assert isinstance(handshake.issued, int)
        assert handshake.issued > 1_700_000_000_000
        assert "GMT" in handshake.time
        assert socket.request is other.request
        assert socket.conn is other.conn
        assert socket.conn.request is socket.request


@pytest.mark.rows("E25")
async def test_data_is_the_applications(running: Any) -> None:
    io = Server()
    io.on("set", lambda socket, value: socket.data.update(value=value))
    io.on("get", lambda socket: socket.data["value"])
    async with running(io) as net:
        client, other = await net.connect(), await net.connect()
        await client.call("set", 1)
        await other.call("set", 2)
        assert await client.call("get") == [1]


@pytest.mark.rows("C37")
async def test_transport_and_upgrade_event(running: Any) -> None:
    io = Server()
    upgrades: list[str] = []

    @io.on("connection")
    def connection(socket: Socket) -> None:
        socket.conn.on("upgrade", lambda: upgrades.append(socket.transport))

    async with running(io) as net:
        polling = await (await net.polling()).connect()
        (socket,) = io.sockets.values()
        assert socket.transport == socket.conn.transport.name == "polling"
        ws = await polling.upgrade()
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
        await ws.send("5")
        await socket.emit("x")
        assert await ws.receive() == '42["x"]'
        assert upgrades == ["websocket"]
        assert socket.conn.transport.name == "websocket"
        with pytest.raises(TypeError, match="plain def"):
            socket.conn.on("upgrade", trio.sleep_forever)
        with pytest.raises(ValueError, match="'upgrade'"):
            socket.conn.on("message", lambda: None)


@pytest.mark.rows("C36")
async def test_clients_count(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        assert io.engine.clients_count == 0
        client = await net.session()
        await net.polling()
        assert io.engine.clients_count == 2
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
        assert io.engine.clients_count == 1


async def test_socket_ids_do_not_depend_on_the_applications_session_ids(running: Any) -> None:
    numbers = iter(range(100))
    io = Server(generate_id=lambda: f"session-{next(numbers)}")
    async with running(io) as net:
        client = await net.connect()
        assert client.open["sid"] == "session-0"
        assert len(client.sids["/"]) == 20


async def test_sockets_that_have_ended_are_not_fetched(running: Any) -> None:
    io = Server()
    fetched: list[Any] = []

    @io.on("disconnecting")
    async def ending(socket: Socket) -> None:
        fetched.append(await io.fetch_sockets())

    async with running(io) as net:
        client = await net.connect()
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
    assert fetched == [[]]
