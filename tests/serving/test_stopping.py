"""Entering and leaving a server, and the errors and interrupts that happen meanwhile."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import trio
from support.links import Link
from support.wire import WebSocket, Wire
from trio.testing import wait_all_tasks_blocked
from wsproto.events import AcceptConnection, CloseConnection, Request

from trio_socketio import Server, Socket


async def test_server_that_could_not_be_entered_can_be_entered_later(nursery: trio.Nursery) -> None:
    io = Server()
    async with trio.open_nursery() as serving:
        await serving.start(io.serve, "127.0.0.1", 0)
        with pytest.raises(RuntimeError, match="is already running"):
            await io.__aenter__()
        with pytest.raises(RuntimeError, match="async with io:"):
            await io.serve("127.0.0.1", 0)
        serving.cancel_scope.cancel()
    async with io:
        pass


async def test_bad_file_to_serve_leaves_nothing_entered(tmp_path: Path) -> None:
    io = Server(static_files={"/x": tmp_path / "file"})
    with pytest.raises(ValueError, match="there is no file or folder"):
        await io.__aenter__()
    (tmp_path / "file").write_text("now it is there")
    async with io:
        pass


async def test_exceptions_leave_the_server_unchanged() -> None:
    for error in (ValueError("alone"), ExceptionGroup("mine", [ValueError("inside")]), KeyboardInterrupt()):
        with pytest.raises(type(error)) as info:
            async with Server():
                raise error
        assert repr(info.value) == repr(error)


async def test_interrupt_in_a_group_leaves_the_server_without_the_group() -> None:
    with pytest.raises(KeyboardInterrupt):
        async with Server():
            raise BaseExceptionGroup("", [BaseExceptionGroup("", [KeyboardInterrupt()])])


def test_interrupt_while_the_server_stops(link: Link, autojump_clock: trio.testing.MockClock) -> None:
    io = Server(disconnect_timeout=3)

    @io.on("disconnect")
    @trio.lowlevel.enable_ki_protection  # so that the interrupt hits the main task, which waits for this one
    async def gone(socket: Socket) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await trio.sleep_forever()

    async def main() -> None:
        async with io, trio.open_nursery() as nursery:
            await Wire(io, nursery, link).connect()
            nursery.cancel_scope.cancel()

    with pytest.raises(KeyboardInterrupt):
        trio.run(main, clock=autojump_clock)
    assert io.sockets == {}


@pytest.mark.stream_only("its streams hold the response of the opening handshake back")
async def test_stop_during_an_opening_handshake(link: Link, autojump_clock: Any) -> None:
    io = Server()
    async with trio.open_nursery() as nursery:
        async with io:
            wire = Wire(io, nursery, link)
            wire.narrow()
            ws = WebSocket(wire.stream())
            target = "/socket.io/?EIO=4&transport=websocket"
            await ws.stream.send_all(ws.ws.send(Request(host="test", target=target)))
            await wait_all_tasks_blocked()  # the server cannot write its response

            async def read() -> None:
                await trio.sleep(0.1)  # now it stops
                assert isinstance(await ws._next(), AcceptConnection)
                end = await ws.receive()
                assert isinstance(end, CloseConnection)
                assert end.code == 1001
                await ws.stream.aclose()

            nursery.start_soon(read)
            start = trio.current_time()
        assert trio.current_time() - start == pytest.approx(0.1)
