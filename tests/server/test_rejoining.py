"""A client of protocol 4 rejoins under the same id while handlers of its former socket still run."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.wire import SioClient, Wire, client_frame
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server, Socket


class Gate:
    """A namespace whose ``disconnecting`` handlers wait, also when they are cancelled; what happens is noted."""

    def __init__(self, io: Server, name: str = "/ok") -> None:
        self.namespace = io.of(name)
        self.log: list[tuple[str, Any]] = []
        self.sockets: list[Socket] = []
        self.open = trio.Event()
        self.namespace.on("connection", self.connection)
        self.namespace.on("disconnecting", self.disconnecting)
        self.namespace.on("disconnect", self.disconnect)

    def connection(self, socket: Socket) -> None:
        self.sockets.append(socket)
        self.log.append(("connection", len(self.sockets)))
        socket.join(f"room {len(self.sockets)}")

    async def disconnecting(self, socket: Socket) -> None:
        self.log.append(("disconnecting", self.rooms(socket)))
        with trio.CancelScope(shield=True):
            await self.open.wait()
        self.log.append(("still", self.rooms(socket)))

    def disconnect(self, socket: Socket) -> None:
        self.log.append(("disconnect", self.rooms(socket)))

    @staticmethod
    def rooms(socket: Socket) -> list[str]:
        return sorted(socket.rooms - {socket.id})


async def joined(wire: Wire) -> SioClient:
    client = await SioClient(await wire.websocket("/socket.io/?EIO=3&transport=websocket")).start()
    assert await client.receive() == "0"
    await client.send("0/ok,")
    assert await client.receive() == "0/ok,"
    return client


@pytest.mark.rows("D21", "F20", "F21")
@pytest.mark.parametrize("at_once", [False, True])
async def test_client_rejoins_before_the_disconnect_handlers_have_ended(
    running: Any, autojump_clock: Any, at_once: bool
) -> None:
    io = Server(allow_eio3=True, disconnect_timeout=1)
    gate = Gate(io)
    async with running(io) as net:
        client = await joined(net)
        if at_once:
            await client.ws.stream.send_all(client_frame(1, b"41/ok,") + client_frame(1, b"40/ok,"))
        else:
            await client.send("1/ok,")
            await wait_all_tasks_blocked()
            await client.send("0/ok,")
        assert await client.receive() == "0/ok,"
        await wait_all_tasks_blocked()
        former, socket = gate.sockets
        assert former.id == socket.id
        assert gate.namespace.sockets == {socket.id: socket}
        assert await gate.namespace.in_("room 1").fetch_sockets() == []

        gate.open.set()
        await wait_all_tasks_blocked()
        assert gate.log == [
            ("connection", 1),
            ("disconnecting", ["room 1"]),
            ("connection", 2),
            ("still", ["room 1"]),
            ("disconnect", []),
        ]
        assert gate.namespace.sockets == {socket.id: socket}
        assert (socket.connected, Gate.rooms(socket)) == (True, ["room 2"])
        await io.of("/ok").to(socket.id).emit("still here")
        assert await client.receive() == '2/ok,["still here"]'


@pytest.mark.rows("D21", "F20", "F21")
async def test_client_rejoins_after_the_disconnect_handlers_have_ended(running: Any) -> None:
    io = Server(allow_eio3=True)
    gate = Gate(io)
    gate.open.set()
    async with running(io) as net:
        client = await joined(net)
        await client.send("1/ok,")
        await wait_all_tasks_blocked()
        await client.send("0/ok,")
        assert await client.receive() == "0/ok,"
        assert gate.log == [
            ("connection", 1),
            ("disconnecting", ["room 1"]),
            ("still", ["room 1"]),
            ("disconnect", []),
            ("connection", 2),
        ]
        assert gate.namespace.sockets == {gate.sockets[1].id: gate.sockets[1]}


@pytest.mark.rows("D21", "F21")
async def test_client_rejoins_and_leaves_before_the_disconnect_handlers_have_ended(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(allow_eio3=True, disconnect_timeout=1)
    gate = Gate(io)
    async with running(io) as net:
        client = await joined(net)
        await client.send("1/ok,")
        await client.send("0/ok,")
        assert await client.receive() == "0/ok,"
        await wait_all_tasks_blocked()
        await client.send("1/ok,")
        await wait_all_tasks_blocked()
        gate.open.set()
        await wait_all_tasks_blocked()
        assert gate.log[:4] == [
            ("connection", 1),
            ("disconnecting", ["room 1"]),
            ("connection", 2),
            ("disconnecting", ["room 2"]),
        ]
        assert sorted(gate.log[4:]) == [
            ("disconnect", []),
            ("disconnect", []),
            ("still", ["room 1"]),
            ("still", ["room 2"]),
        ]
        assert gate.namespace.sockets == {}


@pytest.mark.rows("F20", "F21")
async def test_event_and_end_in_one_read_run_disconnect_handlers_once(running: Any) -> None:
    io = Server()
    gate = Gate(io, "/")

    @io.on("event")
    async def event(socket: Socket) -> None:
        await trio.lowlevel.checkpoint()

    async with running(io) as net:
        client = await net.connect()
        await client.ws.stream.send_all(client_frame(1, b'42["event"]') + client_frame(1, b"41"))
        await wait_all_tasks_blocked()
        gate.open.set()
        await wait_all_tasks_blocked()
        assert gate.log == [
            ("connection", 1),
            ("disconnecting", ["room 1"]),
            ("still", ["room 1"]),
            ("disconnect", []),
        ]


@pytest.mark.rows("F20")
@pytest.mark.parametrize("is_heard_of", [False, True])
async def test_sockets_that_end_before_their_events_are_handled_are_counted_down_once(
    running: Any, is_heard_of: bool
) -> None:
    io = Server()

    @io.on("event")
    async def event(socket: Socket) -> None:
        await trio.sleep_forever()

    if is_heard_of:
        io.on("disconnect", lambda socket, reason: None)
    async with running(io) as net:
        for _ in range(3):
            client = await net.connect()
            await client.ws.stream.send_all(client_frame(1, b'42["event"]') + client_frame(1, b"41"))
        await wait_all_tasks_blocked()
        assert io.sockets == {}
        assert io._require_runtime().workers.mailboxes == 0
