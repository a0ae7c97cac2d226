"""Operators choose sockets by their rooms."""

from __future__ import annotations

from typing import Any

import pytest
from trio.testing import wait_all_tasks_blocked

from trio_socketio import (
    Server,
    Socket,
)


@pytest.mark.rows("G1", "G2", "G5", "G6", "G4", "G3", "F26")
async def test_operators_choose_sockets_by_their_rooms(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        clients = {name: await net.connect() for name in "abcd"}
        sockets = {name: io.sockets[client.sids["/"]] for name, client in clients.items()}
        a, b, c, d = (sockets[name] for name in "abcd")
        a.join("one", "two")
        b.join(["one"])
        c.join("two")
        assert a.rooms == {a.id, "one", "two"}

        async def heard(*names: str) -> None:
            """Exactly these heard the last emit, once each; an end mark shows that there was nothing else."""
            await io.emit("mark")
            for name, client in clients.items():
                if name in names:
                    assert await client.event() == ["ev"], name
                assert await client.event() == ["mark"], name

        await io.emit("ev")
        await heard("a", "b", "c", "d")
        await io.to("one").to("two").emit("ev")
        await heard("a", "b", "c")
        await io.in_("one", "two").except_("two").emit("ev")
        await heard("b")
        await io.except_(["one", d.id]).emit("ev")
        await heard("c")
        await a.broadcast.emit("ev")
        await heard("b", "c", "d")
        await a.to("one").emit("ev")
        await heard("b")
        await a.in_("one").to("two").local.emit("ev")
        await heard("b", "c")
        await a.except_("one").emit("ev")
        await heard("c", "d")
        await io.to(d.id).emit("ev")
        await heard("d")
        await d.to(d.id).emit("ev")
        await heard()
        await io.to("nowhere").emit("ev")
        await heard()
        await io.volatile.compress(False).local.to("one").emit("ev")
        await heard("a", "b")
        a.leave("one")
        a.leave("one", "never")
        await io.to("one").emit("ev")
        await heard("b")
        both = io.to("one")
        both.to("two")  # operators are immutable
        await both.emit("ev")
        await heard("b")
        await io.in_("two").sockets_join("three")
        await io.to("three").sockets_leave("two")
        assert {s.id for s in await io.in_("three").fetch_sockets()} == {a.id, c.id}
        assert await io.in_("two").fetch_sockets() == []
        await io.in_("three").disconnect_sockets()
        assert not a.connected
        assert not c.connected
        assert b.connected


async def test_sockets_that_have_ended_are_not_fetched(running: Any) -> None:
    io = Server()
    fetched: list[Any] = []

    @io.on("disconnecting")
    async def ending(socket: Socket) -> None:
        fetched.append(await io.fetch_sockets())

    async with running(io) as net:
        client = await net.connect()
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
    assert fetched == [[]]
