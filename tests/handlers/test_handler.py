"""Handlers: their parameters, and the number and types of the arguments that they take."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict

import msgspec
import pytest
import trio

from trio_socketio import Ack, ArgumentsError, Server, Socket
from trio_socketio.handlers import Handler


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
async def test_error_names_the_number_of_arguments(
    running: Any, handler: Any, args: list[int], message: str
) -> None:
    io = Server()
    io.on("go", handler)
    async with running(io) as wire:
        client = await wire.connect()
        assert await client.call("go", *args) == [{"error": message}]


async def test_async_wrapper_of_a_plain_function_is_awaited(running: Any) -> None:
    io = Server()

    def checked(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def wrapper(*args: Any) -> Any:
            await trio.lowlevel.checkpoint()
            return function(*args)

        return wrapper

    @io.on("next")
    @checked
    def following(socket: Socket, number: int) -> int:
        return number + 1

    async with running(io) as net:
        client = await net.connect()
        assert await client.call("next", 1) == [2]


class Point(msgspec.Struct):
    x: int
    y: int = 0


@dataclass
class Named:
    name: str
    picture: bytes = b""


async def test_annotated_parameters_are_decoded_and_validated(running: Any) -> None:
    io = Server()
    seen: list[Any] = []

    @io.on("go")
    async def go(
        socket: Socket, point: Point, when: datetime, named: Named, rest: list[int] | None = None
    ) -> None:
        seen.append((point, when, named, rest))

    async with running(io) as net:
        client = await net.connect()
        await client.call("go", {"x": 1}, "2026-01-02T03:04:05Z", {"name": "n"})
        await client.send(
            '51-1["go",{"x":2,"y":3},"2026-01-02T03:04:05Z",{"name":"n","picture":{"_placeholder":true,"num":0}}]'
        )
        await client.send(b"png")
        assert await client.receive() == "31[]"
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert seen == [(Point(1), when, Named("n"), None), (Point(2, 3), when, Named("n", b"png"), None)]


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ([{"x": "one"}, "t"], "argument point: Expected `int`, got `str` - at `$.x`"),
        ([{"x": 1}], "expected 2 arguments (point, text), got 1"),
        ([{"x": 1}, "t", 3], "expected 2 arguments (point, text), got 3"),
        ([{"x": 1}, 5], "argument text: Expected `str`, got `int`"),
    ],
)
async def test_handler_is_not_called_with_arguments_of_other_types(
    running: Any, args: list[Any], text: str
) -> None:
    io = Server()
    calls: list[Any] = []
    errors: list[Any] = []
    io.on_error(lambda socket, event, error: errors.append((event, error)))

    @io.on("go")
    async def go(socket: Socket, point: Point, text: str) -> None:
        calls.append(point)

    async with running(io) as net:
        client = await net.connect()
        assert await client.call("go", *args) == [{"error": text}]
        assert await client.call("go", {"x": 1}, "fine") == []
    assert calls == [Point(1)]
    assert [(event, type(error)) for event, error in errors] == [("go", ArgumentsError)]


async def test_varargs_take_surplus_arguments_of_their_type(running: Any) -> None:
    io = Server()

    @io.on("go")
    def go(socket: Socket, first: str, *rest: int) -> object:
        return [first, list(rest)]

    async with running(io) as net:
        client = await net.connect()
        assert await client.call("go", "a") == [["a", []]]
        assert await client.call("go", "a", 1, 2) == [["a", [1, 2]]]
        (error,) = await client.call("go", "a", "b")
        assert error == {"error": "argument rest: Expected `int`, got `str`"}


def test_methods_and_callables_are_handlers() -> None:
    class Game:
        async def move(self, socket: object, x: int) -> int:
            return x

        async def __call__(self, socket: object, x: int) -> int:
            return x

    for function in (Game().move, Game()):
        handler = Handler(function, takes_socket=True)
        assert handler.is_async
        with pytest.raises(ArgumentsError):
            handler.call(None, ["no"], Ack(None))


def test_handler_may_use_variables_that_are_assigned_later() -> None:
    def move(socket: object, x: int) -> int:
        return x + later

    handler = Handler(move, takes_socket=True)
    later = 2
    assert handler.call(None, [1], Ack(None)) == 3


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
