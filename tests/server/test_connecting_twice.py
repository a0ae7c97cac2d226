"""A second CONNECT to a namespace replaces the first, if the first is not answered yet."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.wire import SioClient, Wire, client_frame
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import ConnectRefused, Server, Socket


class Thinking:
    """A middleware that thinks until ``go_on``, and what became of each attempt."""

    def __init__(self, io: Server, name: str) -> None:
        self.go_on = trio.Event()
        self.attempts: list[str] = []
        self.connected: list[Socket] = []
        self.ended: list[str] = []
        io.of(name).use(self._middleware)
        io.of(name).on("connection", self.connected.append)
        io.of(name).on("disconnect", lambda socket, reason: self.ended.append(reason))

    async def _middleware(self, socket: Socket) -> None:
        at = len(self.attempts)
        self.attempts.append("thinks")
        try:
            await self.go_on.wait()
        except trio.Cancelled:
            self.attempts[at] = "cancelled"
            raise
        if "refuse" in socket.handshake.auth:
            self.attempts[at] = "refused"
            raise ConnectRefused("no")
        self.attempts[at] = "admitted"


async def open_session(wire: Wire, revision: int) -> SioClient:
    return await SioClient(await wire.websocket(f"/socket.io/?EIO={revision}&transport=websocket")).start()


@pytest.mark.rows("P4")
@pytest.mark.parametrize(("revision", "namespace"), [(4, "/"), (4, "/ok"), (3, "/ok"), (3, "/")])
@pytest.mark.parametrize("at_once", [True, False])
async def test_second_attempt_takes_the_place_of_the_first(
    running: Any, revision: int, namespace: str, at_once: bool
) -> None:
    io = Server(allow_eio3=True)
    thinking = Thinking(io, namespace)
    prefix = "" if namespace == "/" else f"{namespace},"
    async with running(io) as net:
        client = await open_session(net, revision)
        if revision == 3 and namespace != "/":
            assert await client.receive() == "0"
        first = b"" if revision == 3 and namespace == "/" else client_frame(1, f"40{prefix}".encode())
        second = client_frame(1, f"40{prefix}".encode())
        if at_once:
            await client.ws.send_raw(first + second)
        else:
            await client.ws.send_raw(first)
            await wait_all_tasks_blocked()
            assert thinking.attempts == ["thinks"]
            await client.ws.send_raw(second)
        await wait_all_tasks_blocked()
        assert thinking.attempts[-1] == "thinks"
        assert "thinks" not in thinking.attempts[:-1]
        thinking.go_on.set()
        assert str(await client.receive()).startswith(f"0{prefix}")
        await wait_all_tasks_blocked()
        assert thinking.attempts[-1] == "admitted"
        (socket,) = thinking.connected
        assert io.of(namespace).sockets == {socket.id: socket}
        assert thinking.ended == []
        await socket.emit("only once accepted")
        assert await client.receive() == f'2{prefix}["only once accepted"]'
        await client.send(f"0{prefix}")
        assert isinstance(await client.receive(), CloseConnection)
        await wait_all_tasks_blocked()
        assert thinking.ended == ["forced close"]


@pytest.mark.rows("P4")
async def test_second_attempt_over_polling_counts_with_its_own_auth(running: Any) -> None:
    io = Server()
    thinking = Thinking(io, "/")
    async with running(io) as net:
        client = await net.polling()
        assert (await client.post('40{"refuse":true}')).text == "ok"
        await wait_all_tasks_blocked()
        assert (await client.post('40{"token":1}')).text == "ok"
        await wait_all_tasks_blocked()
        thinking.go_on.set()
        assert (await client.get()).text.startswith('40{"sid":')
        await wait_all_tasks_blocked()
        assert thinking.attempts == ["cancelled", "admitted"]
        assert [socket.handshake.auth for socket in thinking.connected] == [{"token": 1}]


@pytest.mark.rows("P4")
async def test_middleware_that_cannot_be_cancelled_runs_once_at_a_time(running: Any) -> None:
    io = Server()
    go_on = trio.Event()
    log: list[str] = []

    @io.use
    async def slow(socket: Socket) -> None:
        log.append("begins")
        with trio.CancelScope(shield=True):
            await go_on.wait()
        log.append("ends")

    async with running(io) as net:
        client = await net.session()
        for _ in range(20):
            await client.send("0")
        await wait_all_tasks_blocked()
        assert log == ["begins"]
        go_on.set()
        assert str(await client.receive()).startswith('0{"sid":')
        assert log == ["begins", "ends"] * 2
        await wait_all_tasks_blocked()
        assert len(io.sockets) == io._require_runtime().workers.mailboxes == 1


@pytest.mark.rows("P4")
async def test_other_namespaces_of_the_connection_stay_connected(running: Any) -> None:
    io = Server()
    Thinking(io, "/slow")
    io.on("ask", lambda socket: "answer")
    async with running(io) as net:
        client = await net.connect()
        for _ in range(3):
            await client.send("0/slow,")
            await wait_all_tasks_blocked()
        assert await client.call("ask") == ["answer"]
