"""The internal state of a namespace: the ids of acknowledgements, and the encoding of events."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.handlers import answer
from support.links import only

from trio_socketio import Server
from trio_socketio.socketio import MAX_ACK_ID


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


async def test_ack_ids_start_again_after_the_largest(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        only(io)._state.namespace._ack_ids = MAX_ACK_ID
        for expected in (MAX_ACK_ID, 0):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(only(io).call, "ask")
                assert (await answer(client))[0] == expected
