"""Requests to the other servers: acknowledgements, sockets, rooms and events between servers."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.cluster import Node, cluster
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import ClusterTimeout, Disconnected, LocalProtocolError, RemoteSocket, Socket


async def answer(client: Any, *values: str) -> None:
    """Acknowledge the next event with values in JSON."""
    message = await client.receive()
    ack_id = message[1 : message.index("[")]
    await client.send(f"3{ack_id}[{','.join(values)}]")


async def test_call_collects_the_answers_of_all_servers() -> None:
    async with cluster(3) as servers:
        clients = [await node.wire.connect() for node in servers.nodes]
        silent = await servers.nodes[1].wire.connect()
        ids = [client.sids["/"] for client in clients]
        answers = None

        async def call() -> None:
            nonlocal answers
            answers = await servers.nodes[0].io.call("ask", timeout=0.5)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call)
            await answer(clients[0], "1")
            await answer(clients[1], "2", "[3]")
            await answer(clients[2])
        assert answers.values == {ids[0]: 1, ids[1]: (2, [3]), ids[2]: None}
        assert answers.missing == {silent.sids["/"]}
        assert (answers.unnamed, answers.missing_count, answers.silent_count) == ((), 0, 0)
        assert not answers.is_complete


async def test_call_returns_when_all_sockets_have_answered() -> None:
    async with cluster(2) as servers:
        client = await servers.nodes[1].wire.connect()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer, client, "null")
            with trio.fail_after(5):
                answers = await servers.nodes[0].io.call("ask", timeout=1000)
        assert answers == ({client.sids["/"]: None}, frozenset())
        assert answers.is_complete


async def test_call_ends_for_a_socket_that_disconnects() -> None:
    async with cluster(2) as servers:
        client = await servers.nodes[1].wire.connect()
        async with trio.open_nursery() as nursery:

            async def leave() -> None:
                await client.receive()
                await client.send("1")

            nursery.start_soon(leave)
            answers = await servers.nodes[0].io.call("ask", timeout=0.2)
        assert answers.missing == {client.sids["/"]}
        assert servers.nodes[1].adapter._tasks == 0


@pytest.mark.rows("G11", "E25")
async def test_fetch_sockets_returns_those_of_all_servers() -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        local, remote = await here.wire.connect(), await there.wire.connect(auth={"token": "t"})
        socket = there.io.sockets[remote.sids["/"]]
        socket.join("r")
        socket.data["name"] = "ali"
        socket.data["lock"] = trio.Lock()
        socket.data["picture"] = b"\x01"
        found = {item.id: item for item in await here.io.fetch_sockets()}
        assert found.keys() == {local.sids["/"], remote.sids["/"]}
        assert found[local.sids["/"]] is here.io.sockets[local.sids["/"]]
        copy = found[remote.sids["/"]]
        assert isinstance(copy, RemoteSocket)
        assert (copy.rooms, copy.data) == ({socket.id, "r"}, {"name": "ali", "picture": b"\x01"})
        for name in ("headers", "time", "address", "xdomain", "secure", "issued", "url", "query", "auth"):
            assert getattr(copy.handshake, name) == getattr(socket.handshake, name)
        assert repr(copy) == f"<RemoteSocket {socket.id}>"
        assert [item.id for item in await here.io.to("r").fetch_sockets()] == [socket.id]


async def test_data_that_is_no_dict_travels_if_it_can_be_encoded() -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        await there.wire.connect()
        (socket,) = there.io.sockets.values()
        for data, expected in ((["a", 1], ["a", 1]), (trio.Lock(), None)):
            socket.data = data
            (copy,) = await here.io.fetch_sockets()
            assert copy.data == expected


@pytest.mark.rows("G11")
async def test_remote_socket_sends_and_moves_the_socket() -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        client, other = await there.wire.connect(), await there.wire.connect()
        socket = there.io.sockets[client.sids["/"]]
        (remote,) = [item for item in await here.io.fetch_sockets() if item.id == socket.id]
        assert not isinstance(remote, Socket)
        await remote.emit("ev", 1)
        assert await client.event() == ["ev", 1]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer, client, "7")
            assert await remote.call("ask", timeout=5) == 7
        with pytest.raises(trio.TooSlowError):
            await remote.call("ask", timeout=0.05)
        remote.join("a", ["b"])
        await wait_all_tasks_blocked()
        assert socket.rooms == {socket.id, "a", "b"}
        remote.leave("a")
        await wait_all_tasks_blocked()
        assert socket.rooms == {socket.id, "b"}
        with pytest.raises(TypeError):
            remote.join(5)
        remote.disconnect()
        await wait_all_tasks_blocked()
        assert list(there.io.sockets) == [other.sids["/"]]
        with pytest.raises(Disconnected):
            await remote.call("ask", timeout=5)


@pytest.mark.rows("G12")
async def test_sockets_of_all_servers_join_leave_and_disconnect() -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        await here.wire.connect()
        await there.wire.connect()
        sockets = [*here.io.sockets.values(), *there.io.sockets.values()]
        await here.io.sockets_join("a", "b")
        await here.io.in_("a").sockets_leave("b")
        await wait_all_tasks_blocked()
        assert [socket.rooms for socket in sockets] == [{socket.id, "a"} for socket in sockets]
        await here.io.to("a").disconnect_sockets()
        await wait_all_tasks_blocked()
        assert [socket.connected for socket in sockets] == [False, False]
        assert not await here.io.fetch_sockets()


async def test_disconnect_sockets_with_close_ends_the_sessions_of_all_servers() -> None:
    async with cluster(2) as servers:
        client = await servers.nodes[1].wire.connect()
        await servers.nodes[0].io.disconnect_sockets(close=True)
        assert await client.receive() == "1"
        assert isinstance(await client.ws.receive(), CloseConnection)


def listening(seen: list[Any]) -> Any:
    def prepare(node: Node) -> None:
        @node.io.on_server("sum")
        async def add(a: int, b: int) -> int:
            seen.append((a, b))
            return a + b

        @node.io.on_server("plain")
        def plain(*args: Any) -> tuple[Any, ...]:
            seen.append(args)
            return args

        @node.io.on_server("broken")
        def broken() -> None:
            raise RuntimeError("secret")

        @node.io.on_server("unencodable")
        def unencodable() -> object:
            return object()

    return prepare


@pytest.mark.rows("G16")
async def test_server_side_emit_reaches_every_other_server() -> None:
    seen: list[Any] = [[], [], []]
    async with cluster() as servers:
        for log in seen:
            await servers.add(listening(log))
        await servers.nodes[0].io.server_side_emit("plain", 1, b"2")
        await servers.nodes[0].io.server_side_emit("nothing")
        await wait_all_tasks_blocked()
    assert seen == [[], [(1, b"2")], [(1, b"2")]]


@pytest.mark.rows("G17")
async def test_server_side_call_returns_one_value_of_every_other_server(caplog) -> None:
    async with cluster() as servers:
        for _ in range(3):
            await servers.add(listening([]))
        io = servers.nodes[0].io
        assert await io.server_side_call("sum", 1, 2) == [3, 3]
        assert await io.server_side_call("plain", 1, 2) == [[1, 2], [1, 2]]
        assert await io.server_side_call("plain") == [None, None]
        for broken in ("broken", "unencodable"):
            assert await io.server_side_call(broken) == [{"error": "Internal server error"}] * 2
        assert await io.server_side_call("sum", "x", 2) == [{"error": "Internal server error"}] * 2


async def test_server_side_call_without_other_servers_returns_nothing() -> None:
    async with cluster(1) as servers:
        assert await servers.nodes[0].io.server_side_call("ev") == []
        assert await servers.nodes[0].io.fetch_sockets() == []


@pytest.mark.rows("G11", "G17", "G04")
async def test_partial_result_names_the_servers_that_are_silent(autojump_clock) -> None:
    async with cluster(requests_timeout=3) as servers:
        here, there, mute = [await servers.add(listening([]), requests_timeout=3) for _ in range(3)]
        client = await there.wire.connect()
        mute.bus.is_frozen = True
        began = trio.current_time()
        silent = f"1 server did not answer within 3 s: {mute.adapter.uid}"
        with pytest.raises(ClusterTimeout, match=silent) as caught:
            await here.io.fetch_sockets()
        assert trio.current_time() - began == pytest.approx(3)
        assert [item.id for item in caught.value.partial] == [client.sids["/"]]
        assert (caught.value.missing, caught.value.missing_count) == ({mute.adapter.uid}, 1)
        with pytest.raises(ClusterTimeout) as caught:
            await here.io.server_side_call("sum", 1, 1, timeout=0.5)
        assert (caught.value.partial, caught.value.missing) == ([2], {mute.adapter.uid})
        answers = await here.io.call("ask", timeout=0.5)
        assert (answers.silent, answers.silent_count) == ({mute.adapter.uid}, 1)
        assert answers.missing == {client.sids["/"]}


async def test_cancelled_request_leaves_nothing_behind(autojump_clock) -> None:
    async with cluster(2) as servers:
        here, mute = servers.nodes
        mute.bus.is_frozen = True
        with trio.move_on_after(1) as scope:
            await here.io.fetch_sockets()
        assert scope.cancelled_caught
        assert not here.io.of("/")._namespace.adapter.requests


async def test_on_server_refuses_functions_that_cannot_be_handlers() -> None:
    async with cluster(1) as servers:
        io = servers.nodes[0].io
        with pytest.raises(TypeError):
            io.on_server(io)
        with pytest.raises(TypeError):
            io.on_server("ev", 5)


async def test_events_of_servers_are_bounded() -> None:
    started = trio.Event()

    def prepare(node: Node) -> None:
        @node.io.on_server("slow")
        async def slow() -> None:
            started.set()
            await trio.sleep_forever()

    async with cluster() as servers:
        here = await servers.add()
        there = await servers.add(prepare, server={"disconnect_timeout": 0.01})
        there.io._namespace.server_events._running = 999
        await here.io.server_side_emit("slow")
        await here.io.server_side_emit("slow")
        await started.wait()
        await wait_all_tasks_blocked()
        assert there.rejected == {"busy": 1}


async def test_server_side_events_need_a_cluster() -> None:
    from trio_socketio import Server

    for ask in (Server().server_side_emit, Server().server_side_call):
        with pytest.raises(LocalProtocolError, match="needs a cluster adapter"):
            await ask("ev")
