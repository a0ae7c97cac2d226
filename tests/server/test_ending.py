"""The end of a socket: reasons, and the order of cancellation and disconnect handlers."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.logs import warnings
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Disconnected, DisconnectReason, Server, Socket


def noting(io: Server) -> list[Any]:
    log: list[Any] = []
    io.on(
        "disconnecting",
        lambda socket, reason: log.append(("disconnecting", sorted(socket.rooms - {socket.id}))),
    )
    io.on("disconnect", lambda socket, reason: log.append((reason, sorted(socket.rooms))))
    return log


@pytest.mark.rows("F20", "F21")
async def test_disconnecting_sees_the_rooms_and_disconnect_does_not(running: Any) -> None:
    io = Server()
    log = noting(io)
    async with running(io) as net:
        client = await net.connect()
        (socket,) = io.sockets.values()
        socket.join("one", "two")
        await client.send("1")
        await wait_all_tasks_blocked()
        assert log == [("disconnecting", ["one", "two"]), ("client namespace disconnect", [])]
        assert io.sockets == {}
        assert await io.in_("one").fetch_sockets() == []


@pytest.mark.rows("F21")
def test_reasons_are_the_nine_of_node() -> None:
    assert {str(reason) for reason in DisconnectReason} == {
        "transport error", "transport close", "forced close", "ping timeout", "parse error", "server shutting down",
        "forced server close", "client namespace disconnect", "server namespace disconnect",
    }  # fmt: skip


@pytest.mark.rows("F21", "F22", "F23", "C20", "C28")
@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("eof", "transport close"),
        ("close frame", "transport close"),
        ("close packet", "transport close"),
        ("bad frame", "transport error"),
        ("ping", "transport error"),
        ("unknown packet", "parse error"),
        ("empty packet", "parse error"),
        ("bad json", "forced close"),
        ("silence", "ping timeout"),
        ("leave", "client namespace disconnect"),
        ("disconnect", "server namespace disconnect"),
        ("disconnect all", "server namespace disconnect"),
        ("conn.close", "forced server close"),
    ],
)
async def test_disconnect_handler_receives_the_reason(
    running: Any, autojump_clock: Any, what: str, reason: str
) -> None:
    io = Server()
    log = noting(io)
    async with running(io) as net:
        client = await net.connect()
        (socket,) = io.sockets.values()
        ws = client.ws
        if what == "eof":
            await ws.stream.aclose()
        elif what == "close frame":
            await ws.close()
        elif what == "bad frame":
            await ws.send_raw(b"\xff\x80aaaa")
        elif what == "silence":
            start = trio.current_time()
            await trio.sleep(60)
            assert trio.current_time() == start + 60
        elif what == "disconnect":
            socket.disconnect()
        elif what == "disconnect all":
            socket.disconnect(close=True)
        elif what == "conn.close":
            socket.conn.close()
        else:
            packets = {"close packet": "1", "ping": "2", "unknown packet": "9", "empty packet": "", "bad json": "42[",
                       "leave": "41"}  # fmt: skip
            await ws.send(packets[what])
        await wait_all_tasks_blocked()
        assert log == [("disconnecting", []), (reason, [])]


async def test_handlers_tasks_and_calls_end_with_their_client_before_disconnect_runs(running: Any) -> None:
    io = Server()
    log: list[str] = []

    def note(name: str) -> Any:
        async def sleep() -> None:
            try:
                await trio.sleep_forever()
            except trio.Cancelled:
                log.append(name)
                raise

        return sleep

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        socket.nursery.start_soon(note("task"))
        socket.ready()
        await note("connection")()

    @io.on("ev")
    async def ev(socket: Socket) -> None:
        try:
            await socket.call("ask")
        except (Disconnected, trio.Cancelled):
            log.append("call")
            raise

    @io.on("disconnect")
    async def gone(socket: Socket) -> None:
        assert not socket.connected
        with pytest.raises(Disconnected):  # the outbox closes first
            await socket.emit("late")
        await trio.lowlevel.checkpoint()
        log.append("disconnect")

    async with running(io) as net:
        client = await net.connect()
        await client.emit("ev")
        assert await client.event() == ["ask"]
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
    assert sorted(log[:3]) == ["call", "connection", "task"]
    assert log[3:] == ["disconnect"]


async def test_exception_in_the_nursery_disconnects_that_socket_alone(
    running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server()
    errors: list[Any] = []
    io.on_error(lambda socket, event, error: errors.append((socket.id, str(error))))
    log = noting(io)

    async def fail() -> None:
        raise ValueError("a bug")

    @io.on("go")
    async def go(socket: Socket) -> None:
        socket.nursery.start_soon(fail)
        await trio.sleep_forever()

    io.on("fine", lambda socket: "fine")
    async with running(io) as net:
        client, other = await net.connect(), await net.connect()
        await client.emit("go")
        assert await client.receive() == "1"
        assert await other.call("fine") == ["fine"]
        await wait_all_tasks_blocked()
        assert log == [("disconnecting", []), ("server namespace disconnect", [])]
    assert errors == [(client.sids["/"], "a bug")]
    assert len(warnings(caplog)) == 1
