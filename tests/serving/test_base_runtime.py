"""The order of a stop: listeners, handlers, disconnect handlers, connections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
from support.links import IN_FLIGHT, Link, only
from support.raw import WEBSOCKET
from support.wire import HttpClient, SioClient, WebSocket, Wire
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import Server, Socket


class Doorway(trio.abc.Listener[trio.abc.Stream]):
    """A listener for connections of any kind, which notes when it is closed."""

    def __init__(self, link: Link, order: list[str]) -> None:
        self._link = link
        self._order = order
        self._knock, self._knocks = trio.open_memory_channel[trio.abc.Stream](0)

    async def connect(self) -> trio.abc.Stream:
        ours, theirs = self._link.narrow()
        await self._knock.send(theirs)
        return ours

    async def accept(self) -> trio.abc.Stream:
        return await self._knocks.receive()

    async def aclose(self) -> None:
        self._order.append("listener")
        await trio.lowlevel.checkpoint()


def epolls() -> int:
    """How many epoll instances there are: Trio's own, and of a server the reactor's and that for hang-ups."""
    return [path.readlink().name for path in Path("/proc/self/fd").iterdir() if path.is_symlink()].count(
        "anon_inode:[eventpoll]"
    )


@pytest.mark.rows("H1")
async def test_stop_ends_handlers_before_disconnect_handlers_before_the_flush(
    link: Link, autojump_clock: Any
) -> None:
    io = Server()
    order: list[str] = []
    doorway = Doorway(link, order)

    @io.on("work")
    async def work(socket: Socket) -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(1)
            order.append("handler")

    @io.on("disconnect")
    async def gone(socket: Socket) -> None:
        await trio.sleep(1)
        order.append("disconnect handler")

    async def read_late(client: SioClient) -> None:
        await trio.sleep(3)
        assert await client.event() == IN_FLIGHT
        assert await client.event() == ["last words"]
        assert isinstance(await client.receive(), CloseConnection)
        order.append(f"last flush, {epolls() - before} epolls")
        await client.ws.stream.aclose()

    before = epolls()
    async with trio.open_nursery() as nursery:
        async with io:
            await nursery.start(io.serve_listeners, [doorway])
            websocket = await WebSocket(await doorway.connect()).open(WEBSOCKET)
            client = await (await SioClient(websocket).start()).connect()
            await client.emit("work")
            await wait_all_tasks_blocked()
            for event in (IN_FLIGHT, ["last words"]):
                only(io).emit_nowait(*event)
            nursery.start_soon(read_late, client)
        order.append(f"end, {epolls() - before} epolls")
    assert order == ["listener", "handler", "disconnect handler", "last flush, 3 epolls", "end, 0 epolls"]


@pytest.mark.rows("H1")
async def test_leaving_the_server_closes_everything_in_order(link: Link, autojump_clock: Any) -> None:
    io = Server()
    reasons: list[str] = []
    order: list[str] = []

    @io.on("ev")
    async def ev(socket: Socket) -> None:
        try:
            await trio.sleep_forever()
        finally:
            order.append("handler")

    @io.on("disconnect")
    async def gone(socket: Socket, reason: str) -> None:
        reasons.append(reason)
        await trio.sleep(1)
        order.append("disconnect")

    async with trio.open_nursery() as nursery:
        async with io:
            net = Wire(io, nursery, link)
            client = await net.connect()
            polling = await (await net.polling()).connect()
            await client.emit("ev")
            await wait_all_tasks_blocked()
            polled: list[str] = []

            async def poll() -> None:
                polled.append((await polling.get()).text)

            async def read() -> None:
                end = await client.receive()
                assert isinstance(end, CloseConnection)  # and no DISCONNECT packet before it
                order.append(f"close {end.code}")
                await client.ws.stream.aclose()

            nursery.start_soon(poll)
            nursery.start_soon(read)
            await wait_all_tasks_blocked()
            start = trio.current_time()
        assert trio.current_time() - start < 3
        await wait_all_tasks_blocked()
        assert polled == ["1"]
        assert sorted(order) == ["close 1001", "disconnect", "disconnect", "handler"]
        assert order.index("handler") < order.index("disconnect")
        assert reasons == ["server shutting down"] * 2
        nursery.cancel_scope.cancel()


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
