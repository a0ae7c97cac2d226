"""Broadcasts over several servers that a bus connects."""

from __future__ import annotations

import pytest
import trio
from support.cluster import cluster, is_quiet
from trio.testing import wait_all_tasks_blocked

from trio_socketio import LocalProtocolError, ReservedEventError


@pytest.mark.rows("I1", "I3", "G3")
async def test_emit_reaches_the_sockets_of_every_server_once() -> None:
    async with cluster(3) as servers:
        clients = [await node.wire.connect() for node in servers.nodes]
        await servers.nodes[0].io.emit("ev", 1, {"a": None})
        for client in clients:
            assert await client.event() == ["ev", 1, {"a": None}]
            assert await is_quiet(client)
        assert len([1 for _, payload in servers.nodes[0].bus.published if b'"ev"' in payload]) == 1


async def test_binary_reaches_the_sockets_of_other_servers() -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        client = await there.wire.connect()
        await here.io.emit("file", {"name": "ü", "body": b"\x00\xff"}, bytearray(b"x"))
        assert await client.receive() == (
            '52-["file",{"name":"ü","body":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1}]'
        )
        assert [await client.receive(), await client.receive()] == [b"\x00\xff", b"x"]


@pytest.mark.rows("G2")
async def test_room_of_a_socket_id_reaches_the_socket_on_another_server() -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        client, other = await there.wire.connect(), await there.wire.connect()
        (socket,) = [item for key, item in there.io.sockets.items() if key == client.sids["/"]]
        assert socket.rooms == {socket.id}
        await here.io.to(socket.id).emit("ev")
        assert await client.event() == ["ev"]
        assert await is_quiet(other)


async def test_rooms_and_exceptions_hold_on_other_servers() -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        clients = [await there.wire.connect() for _ in range(3)]
        both, one, none = (there.io.sockets[client.sids["/"]] for client in clients)
        both.join("a", "b")
        one.join("a", "muted")
        await here.io.to("a", "b").except_("muted").emit("ev")
        assert await clients[0].event() == ["ev"]
        for client in clients:
            assert await is_quiet(client)
        assert none.rooms == {none.id}


async def test_namespaces_are_apart() -> None:
    async with cluster() as servers:
        nodes = [await servers.add(lambda node: node.io.of("/chat") and None) for _ in range(2)]
        main, chat = await nodes[1].wire.connect(), await nodes[1].wire.connect("/chat")
        await nodes[0].io.of("/chat").emit("ev")
        assert await chat.receive() == '2/chat,["ev"]'
        assert await is_quiet(main)


@pytest.mark.rows("G7")
async def test_local_broadcast_is_not_published() -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        client, remote = await here.wire.connect(), await there.wire.connect()
        published = len(here.bus.published)
        await here.io.local.emit("ev")
        here.io.local.to("r").emit_nowait("ev")
        assert (await here.io.local.call("ask", timeout=0)).missing == {client.sids["/"]}
        assert [socket.id for socket in await here.io.local.fetch_sockets()] == [client.sids["/"]]
        await here.io.local.sockets_join("r")
        await here.io.local.sockets_leave("r")
        assert await client.event() == ["ev"]
        assert await is_quiet(remote)
        assert len(here.bus.published) == published


async def test_empty_choice_is_never_published() -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        remote = await there.wire.connect()
        published = len(here.bus.published)
        nobody = here.io.to([])
        await nobody.emit("ev")
        nobody.emit_nowait("ev")
        await nobody.sockets_join("r")
        await nobody.disconnect_sockets()
        assert (await nobody.call("ask", timeout=1)).is_complete
        assert await nobody.fetch_sockets() == []
        assert await is_quiet(remote)
        assert len(here.bus.published) == published


@pytest.mark.rows("G8")
async def test_flags_travel_to_other_servers() -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        client = await there.wire.connect()
        seen = []
        adapter = there.io.of("/")._namespace.adapter
        index, broadcast = adapter._index, adapter._index.broadcast

        def watch(message, target):
            seen.append((target.volatile, target.compress, message.compress))
            return broadcast(message, target)

        class Watched:
            broadcast = staticmethod(watch)

            def __getattr__(self, name):
                return getattr(index, name)

        adapter._index = Watched()
        await here.io.volatile.emit("ev")
        await here.io.compress(False).emit("ev")
        await wait_all_tasks_blocked()
        adapter._index = index
        assert [flags[:2] for flags in seen] == [(True, True), (False, False)]
        assert [await client.event() for _ in range(2)] == [["ev"], ["ev"]]


async def test_broadcasts_of_one_server_keep_their_order() -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        client = await there.wire.connect()
        for number in range(500):
            if number % 2:
                here.io.emit_nowait("ev", number)
            else:
                await here.io.emit("ev", number)
        assert [(await client.event())[1] for _ in range(500)] == list(range(500))


async def test_broadcast_that_is_too_large_or_wrong_is_sent_to_no_socket() -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        clients = [await here.wire.connect(), await there.wire.connect()]
        with pytest.raises(LocalProtocolError, match="exceeds max_publish_bytes=100000"):
            await here.io.emit("ev", "x" * 100_000)
        with pytest.raises(LocalProtocolError, match="exceeds max_publish_bytes"):
            await here.io.call("ev", b"x" * 100_000, timeout=1)
        with pytest.raises(LocalProtocolError, match="exceeds max_publish_bytes"):
            await here.io.server_side_emit("ev", "x" * 100_000)
        with pytest.raises(LocalProtocolError):
            here.io.emit_nowait("ev", object())
        with pytest.raises(ReservedEventError):
            here.io.emit_nowait("connect")
        for client in clients:
            assert await is_quiet(client)
        await here.io.local.emit("ev", "x" * 100_000)
        assert (await clients[0].event())[0] == "ev"


async def test_unusual_values_arrive_as_in_local_delivery() -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        clients = [await here.wire.connect(), await there.wire.connect()]
        deep: list = []
        for _ in range(500):
            deep = [deep]
        for value in (
            "\ud800",
            float("nan"),
            2**63,
            -(2**63),
            {1},
            deep,
            trio.Path("/") and {"k": (1, 2)},
        ):
            await here.io.emit("ev", value)
            first, second = [await client.receive() for client in clients]
            assert first == second
        await here.io.emit("ev", b"1", "\ud800", {2}, {"k": (1,)})
        first, second = [[await client.receive(), await client.receive()] for client in clients]
        assert first == second
