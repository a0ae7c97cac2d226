"""A client that leaves a namespace and joins it again: the new socket waits for the handlers of the former one."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.wire import SioClient, Wire, client_frame
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Namespace, Server, Socket


class Log(list[str]):
    """What happens in one namespace, by the number of the socket; disconnect handlers wait until ``go_on``."""

    def __init__(self, namespace: Namespace, *, middleware: bool, plain: bool = False) -> None:
        self.go_on = trio.Event()
        self.numbers: dict[Socket, int] = {}
        if middleware:
            namespace.use(self._middleware)
        namespace.on("connection", self._plain_connection if plain else self._connection)
        namespace.on("disconnecting", lambda socket: self._note("disconnecting", socket))
        namespace.on("disconnect", self._disconnect)

    def _note(self, what: str, socket: Socket) -> None:
        self.append(f"{what} {self.numbers.setdefault(socket, len(self.numbers) + 1)}")

    def _middleware(self, socket: Socket) -> None:
        self._note("middleware", socket)

    def _plain_connection(self, socket: Socket) -> None:
        self._note("connection", socket)

    async def _connection(self, socket: Socket) -> None:
        self._note("connection", socket)

    async def _disconnect(self, socket: Socket) -> None:
        self._note("disconnect", socket)
        await self.go_on.wait()
        self._note("gone", socket)


async def joined(wire: Wire, revision: int) -> SioClient:
    """A client in the namespaces ``/`` and ``/ok``."""
    client = await SioClient(await wire.websocket(f"/socket.io/?EIO={revision}&transport=websocket")).start()
    if revision == 3:
        assert await client.receive() == "0"
        await client.send("0/ok,")
        assert await client.receive() == "0/ok,"
        return client
    return await (await client.connect()).connect("/ok")


async def accepted(client: SioClient) -> None:
    assert str(await client.receive()).startswith("0/ok,")


LEFT = ["connection 1", "disconnecting 1", "disconnect 1"]


@pytest.mark.rows("P3")
@pytest.mark.parametrize("revision", [4, 3])
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("at_once", [True, False])
async def test_new_socket_begins_after_the_disconnect_handlers_of_the_former_one(
    running: Any, revision: int, plain: bool, at_once: bool
) -> None:
    io = Server(allow_eio3=True)
    log = Log(io.of("/ok"), middleware=False, plain=plain)
    async with running(io) as net:
        client = await joined(net, revision)
        await wait_all_tasks_blocked()
        if at_once:
            await client.ws.send_raw(client_frame(1, b"41/ok,") + client_frame(1, b"40/ok,"))
        else:
            await client.send("1/ok,")
            await wait_all_tasks_blocked()
            await client.send("0/ok,")
        await wait_all_tasks_blocked()
        assert log == LEFT
        log.go_on.set()
        await accepted(client)
        await wait_all_tasks_blocked()
        assert log == [*LEFT, "gone 1", "connection 2"]


@pytest.mark.rows("P3")
async def test_middlewares_over_polling_wait_for_the_former_socket(running: Any) -> None:
    io = Server()
    log = Log(io.of("/ok"), middleware=True)
    async with running(io) as net:
        client = await (await (await net.polling()).connect()).connect("/ok")
        assert (await client.post("41/ok,\x1e40/ok,")).text == "ok"
        await wait_all_tasks_blocked()
        assert log == ["middleware 1", *LEFT]
        log.go_on.set()
        assert (await client.get()).text.startswith("40/ok,")
        await wait_all_tasks_blocked()
        assert log == ["middleware 1", *LEFT, "gone 1", "middleware 2", "connection 2"]


@pytest.mark.rows("P3")
@pytest.mark.parametrize("revision", [4, 3])
async def test_client_may_rejoin_after_the_server_has_disconnected_it(running: Any, revision: int) -> None:
    io = Server(allow_eio3=True)
    log = Log(io.of("/ok"), middleware=True)
    async with running(io) as net:
        client = await joined(net, revision)
        await wait_all_tasks_blocked()
        next(iter(io.of("/ok").sockets.values())).disconnect()
        assert await client.receive() == "1/ok,"
        await client.send("0/ok,")
        await wait_all_tasks_blocked()
        assert log == ["middleware 1", *LEFT]
        log.go_on.set()
        await accepted(client)
        await wait_all_tasks_blocked()
        assert log[-3:] == ["gone 1", "middleware 2", "connection 2"]


@pytest.mark.rows("P3")
async def test_event_handler_of_the_old_socket_ends_first(running: Any) -> None:
    io = Server()
    log = Log(io.of("/ok"), middleware=False)
    log.go_on.set()
    cleaned = trio.Event()

    @io.of("/ok").on("slow")
    async def slow(socket: Socket) -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await cleaned.wait()
            log.append("cleaned")

    async with running(io) as net:
        client = await joined(net, 4)
        await client.send('2/ok,["slow"]')
        await wait_all_tasks_blocked()
        await client.ws.send_raw(client_frame(1, b"41/ok,") + client_frame(1, b"40/ok,"))
        await wait_all_tasks_blocked()
        assert log == ["connection 1"]
        cleaned.set()
        await accepted(client)
        await wait_all_tasks_blocked()
        assert log == ["connection 1", "cleaned", *LEFT[1:], "gone 1", "connection 2"]


@pytest.mark.rows("P3")
@pytest.mark.parametrize("revision", [4, 3])
@pytest.mark.parametrize("where", ["disconnect", "event"])
async def test_wait_for_the_former_socket_has_a_time_limit(
    running: Any, autojump_clock: Any, revision: int, where: str
) -> None:
    io = Server(allow_eio3=True, disconnect_timeout=2, ping_interval=100)
    log = Log(io.of("/ok"), middleware=False)
    go_on = trio.Event()

    @io.of("/ok").on("stuck")
    async def stuck(socket: Socket) -> None:
        with trio.CancelScope(shield=True):
            await go_on.wait()

    async with running(io) as net:
        client = await joined(net, revision)
        if where == "event":
            await client.send('2/ok,["stuck"]')
        await wait_all_tasks_blocked()
        start = trio.current_time()
        await client.ws.send_raw(client_frame(1, b"41/ok,") + client_frame(1, b"40/ok,"))
        await accepted(client)
        assert 2 <= trio.current_time() - start < 2.2
        go_on.set()
        await wait_all_tasks_blocked()
        assert "connection 2" in log


@pytest.mark.rows("P3")
async def test_client_that_disconnects_while_it_waits_leaves_nothing(running: Any) -> None:
    io = Server()
    log = Log(io.of("/ok"), middleware=True)
    async with running(io) as net:
        client = await joined(net, 4)
        await wait_all_tasks_blocked()
        await client.ws.send_raw(client_frame(1, b"41/ok,") + client_frame(1, b"40/ok,"))
        await wait_all_tasks_blocked()
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
        log.go_on.set()
        await wait_all_tasks_blocked()
        assert log == ["middleware 1", *LEFT, "gone 1"]
        assert io._require_runtime().workers.mailboxes == 0
        assert not io._require_runtime().former


async def test_namespace_is_left_and_joined_again_in_one_segment(running: Any) -> None:
    io = Server()
    log: list[str] = []
    go_on = trio.Event()

    @io.on("connection")
    def connection(socket: Socket) -> None:
        log.append("connection")
        socket.join("room")

    @io.on("disconnect")
    async def gone(socket: Socket) -> None:
        await go_on.wait()
        log.append("disconnect")

    async with running(io) as net:
        client = await net.connect()
        first = client.sids["/"]
        await client.ws.send_raw(client_frame(1, b"41") + client_frame(1, b"40"))
        await wait_all_tasks_blocked()
        go_on.set()
        assert str(await client.receive()).startswith('0{"sid":')
        await wait_all_tasks_blocked()
        assert log == ["connection", "disconnect", "connection"]
        (socket,) = io.sockets.values()
        assert socket.id != first
        await io.to("room").emit("ev")
        assert await client.event() == ["ev"]
