"""The internal state of a namespace: the ids of acknowledgements, and the encoding of events."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.handlers import answer

from trio_socketio import Server


@pytest.mark.rows("D11")
async def test_ack_ids_count_from_0_in_each_namespace(running: Any) -> None:
    io = Server()
    x = io.of("/x")
    async with running(io) as net:
        first, second = await net.connect(), await net.connect()
        await second.connect("/x")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(io.sockets[first.sids["/"]].call, "a")
            assert (await answer(first))[0] == 0
            nursery.start_soon(io.sockets[second.sids["/"]].call, "b")
            assert (await answer(second))[0] == 1
            nursery.start_soon(next(iter(x.sockets.values())).call, "c")
            assert await second.receive() == '2/x,0["c"]'
            await second.send("3/x,0[]")
