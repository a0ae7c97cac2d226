"""The grace of a stop: one time limit for all disconnect handlers and the last flush."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.links import Link, stuck
from support.wire import Wire

from trio_socketio import Server, Socket


@pytest.mark.parametrize("how", ["stop", "cancel"])
async def test_all_disconnect_handlers_share_one_grace(link: Link, autojump_clock: Any, how: str) -> None:
    io = Server(disconnect_timeout=5)
    log: list[str] = []

    @io.on("disconnect")
    async def gone(socket: Socket) -> None:
        try:
            await trio.sleep(3)
            log.append("done")
            await trio.sleep_forever()
        except trio.Cancelled:
            log.append("cut")
            raise

    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as scope:
            async with io:
                net = Wire(io, nursery, link)
                for _ in range(3):
                    await net.connect()
                if how == "cancel":
                    scope.cancel()
                start = trio.current_time()
                await trio.lowlevel.checkpoint()
        assert trio.current_time() - start == pytest.approx(5, abs=0.2)
        nursery.cancel_scope.cancel()
    assert log == ["done"] * 3 + ["cut"] * 3


async def test_disconnect_handlers_and_the_last_flush_share_one_grace(
    link: Link, autojump_clock: Any
) -> None:
    io = Server(disconnect_timeout=5)
    log: list[str] = []

    @io.on("disconnect")
    async def gone(socket: Socket) -> None:
        await trio.sleep(4)
        log.append("handled")

    async with trio.open_nursery() as nursery:
        async with io:
            net = Wire(io, nursery, link)
            await stuck(net)
            start = trio.current_time()
        assert trio.current_time() - start == pytest.approx(5, abs=0.1)
        nursery.cancel_scope.cancel()
    assert log == ["handled"]
