"""Sentences about the public API that no other file here shows."""

from __future__ import annotations

import inspect
from typing import Any, TypedDict

import pytest
from support.wire import Polling

from trio_socketio import BroadcastOperator, Namespace, Server, Socket

OPERATORS = (Server, Namespace, BroadcastOperator)


@pytest.mark.parametrize(
    ("names", "owners", "is_async"),
    [
        ("join leave disconnect ready", (Socket,), False),
        ("on off", (Server, Namespace, Socket), False),
        ("emit_nowait", (Socket, *OPERATORS), False),
        ("call flush", (Socket,), True),
        ("emit", (Socket, *OPERATORS), True),
        ("fetch_sockets sockets_join sockets_leave disconnect_sockets server_side_emit", OPERATORS, True),
    ],
)
def test_sync_or_async(names: str, owners: tuple[type, ...], is_async: bool) -> None:
    for owner in owners:
        for name in names.split():
            assert inspect.iscoroutinefunction(getattr(owner, name)) is is_async, (owner, name)


class Move(TypedDict):
    x: int


async def test_typed_dictionaries_are_validated(running: Any) -> None:
    io = Server()

    @io.on("move")
    def move(socket: Socket, to: Move) -> int:
        return to["x"]

    async with running(io) as net:
        client = await net.connect()
        assert await client.call("move", {"x": 1}) == [1]
        assert await client.call("move", {}, ack=1) == [
            {"error": "argument to: Object missing required field `x`"}
        ]


async def test_polling_session_outlives_its_connections(running: Any) -> None:
    io = Server()
    io.on("echo", lambda socket, value: value)
    async with running(io) as net:
        polling: Polling = await (await net.polling()).connect()
        for number in range(3):
            await polling.gets.stream.aclose()
            await polling.posts.stream.aclose()
            polling.gets, polling.posts = net.http(), net.http()
            await polling.post(f'420["echo",{number}]')
            assert (await polling.get()).text == f"430[{number}]"
