"""The room named by a socket's id holds that socket alone."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.wire import SioClient, Wire
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Namespace, Server, Socket

OTHER = "is the id of another socket.*prefix"


async def pair(net: Wire, namespace: str = "/") -> tuple[Socket, Socket, SioClient, SioClient]:
    net.io.of(namespace)
    first, second = await net.connect(namespace), await net.connect(namespace)
    sockets = net.io.of(namespace).sockets
    return sockets[first.sids[namespace]], sockets[second.sids[namespace]], first, second


@pytest.mark.rows("P28")
@pytest.mark.parametrize("namespace", ["/", "/ok"])
async def test_join_is_refused_and_joins_none_of_the_rooms(running: Any, namespace: str) -> None:
    async with running(Server()) as net:
        a, b, _, _ = await pair(net, namespace)
        for rooms in ([a.id], ["x", a.id], [a.id, "x"]):
            with pytest.raises(ValueError, match=OTHER):
                b.join(*rooms)
            with pytest.raises(ValueError, match=OTHER):
                b.join(rooms)
        assert b.rooms == {b.id}
        b.join(b.id)
        b.leave(b.id)
        b.join(b.id, "x")
        assert b.rooms == {b.id, "x"}


@pytest.mark.rows("P28")
async def test_client_that_names_the_room_reads_nothing(running: Any) -> None:
    io = Server()

    @io.on("enter")
    def enter(socket: Socket, room: str) -> None:
        socket.join(room)

    async with running(io) as net:
        a, _, first, second = await pair(net)
        assert await second.call("enter", a.id) == [{"error": "Internal server error"}]
        await io.to(a.id).emit("secret")
        assert await first.event() == ["secret"]
        await io.emit("mark")
        assert await second.event() == ["mark"]


@pytest.mark.rows("P28")
async def test_sockets_join_is_refused_for_all(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        a, b, _, _ = await pair(net)
        for chosen in (io, io.in_(a.id, b.id), a.broadcast):
            with pytest.raises(ValueError, match=OTHER):
                await chosen.sockets_join("x", a.id)
        assert (a.rooms, b.rooms) == ({a.id}, {b.id})
        await io.in_(a.id).sockets_join("x", a.id)
        await io.sockets_join(room for room in ("y", "z"))
        assert (a.rooms, b.rooms) == ({a.id, "x", "y", "z"}, {b.id, "y", "z"})


@pytest.mark.rows("P28")
async def test_join_of_anothers_room_in_a_middleware_is_refused(running: Any) -> None:
    io = Server()
    errors: list[Exception] = []
    io.on_error(lambda socket, event, error: errors.append(error))
    io.use(lambda socket: socket.join(*socket.handshake.auth.get("rooms", [])))
    async with running(io) as net:
        a = await net.connect()
        client = await net.session()
        await client.send(f'0{{"rooms":["{a.sids["/"]}"]}}')
        assert await client.receive() == '4{"message":"Internal server error"}'
        assert isinstance(errors[0], ValueError)
        await client.connect(auth={"rooms": ["x"]})
        assert io.sockets[client.sids["/"]].rooms == {client.sids["/"], "x"}


@pytest.mark.rows("P28")
async def test_ids_of_other_namespaces_and_of_ended_sockets_are_ordinary_names(
    running: Any,
) -> None:
    io = Server()
    io.of("/ok")
    async with running(io) as net:
        a, b, first, _ = await pair(net)
        (other,) = [await net.connect("/ok")]
        io.of("/ok").sockets[other.sids["/ok"]].join(a.id)
        await first.ws.stream.aclose()
        await wait_all_tasks_blocked()
        b.join(a.id)
        assert b.rooms == {b.id, a.id}


async def joined_in_protocol_4(net: Wire) -> SioClient:
    client = await SioClient(await net.websocket("/socket.io/?EIO=3&transport=websocket")).start()
    assert await client.receive() == "0"
    await client.send("0/ok,")
    assert await client.receive() == "0/ok,"
    return client


@pytest.mark.rows("P28")
@pytest.mark.parametrize("where", ["joined", "in a middleware"])
async def test_client_of_protocol_4_that_rejoins_gets_its_room_alone(
    running: Any, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    io = Server(allow_eio3=True)
    namespace: Namespace = io.of("/ok")
    go_on = trio.Event()

    @namespace.use
    async def middleware(socket: Socket) -> None:
        if "room" in socket.handshake.auth:
            socket.join(socket.handshake.auth["room"], "x")
            await go_on.wait()

    async with running(io) as net:
        victim = await joined_in_protocol_4(net)
        (room,) = namespace.sockets
        await victim.send("1/ok,")
        await wait_all_tasks_blocked()
        attacker = await net.session()
        await attacker.send(f'0/ok,{{"room":"{room}"}}')
        await wait_all_tasks_blocked()
        if where == "joined":
            go_on.set()
            assert str(await attacker.receive()).startswith("0/ok,")
        await victim.send("0/ok,")
        assert await victim.receive() == "0/ok,"
        go_on.set()
        if where != "joined":
            assert str(await attacker.receive()).startswith("0/ok,")
        await namespace.to(room).emit("secret")
        assert await victim.receive() == '2/ok,["secret"]'
        await namespace.emit("mark")
        assert await attacker.receive() == '2/ok,["mark"]'
        (socket,) = [socket for name, socket in namespace.sockets.items() if name != room]
        assert socket.rooms == {socket.id, "x"}
    assert any("was removed from the room" in record.getMessage() for record in caplog.records)
