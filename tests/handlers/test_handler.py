"""What a client is told that sends too few arguments, or too many."""

from __future__ import annotations

from typing import Any

import pytest

from trio_socketio import Ack, Server, Socket


def none(socket: Socket) -> None: ...
def one(socket: Socket, a: int) -> None: ...
def two(socket: Socket, a: int, b: int) -> None: ...
def one_or_two(socket: Socket, a: int, b: int = 0) -> None: ...
def up_to_two(socket: Socket, a: int = 0, b: int = 0) -> None: ...
def one_or_more(socket: Socket, a: int, *rest: int) -> None: ...
def two_or_more(socket: Socket, a: int, b: int, c: int = 0, *rest: int) -> None: ...
def with_ack(socket: Socket, a: int, ack: Ack, b: int = 0) -> None: ...


@pytest.mark.parametrize(("handler", "args", "message"), [
    (none, [1], "expected 0 arguments, got 1"), (one, [], "expected 1 argument (a), got 0"),
    (two, [1], "expected 2 arguments (a, b), got 1"), (one_or_two, [], "expected 1 to 2 arguments (a, b), got 0"),
    (one_or_two, [1, 2, 3], "expected 1 to 2 arguments (a, b), got 3"),
    (up_to_two, [1, 2, 3], "expected 0 to 2 arguments (a, b), got 3"),
    (one_or_more, [], "expected at least 1 argument (a, *rest), got 0"),
    (two_or_more, [1], "expected at least 2 arguments (a, b, c, *rest), got 1"),
    (with_ack, [], "expected 1 to 2 arguments (a, b), got 0"),
])  # fmt: skip
@pytest.mark.rows("P34")
async def test_defaults_are_counted(running: Any, handler: Any, args: list[int], message: str) -> None:
    io = Server()
    io.on("go", handler)
    async with running(io) as wire:
        client = await wire.connect()
        assert await client.call("go", *args) == [{"error": message}]
