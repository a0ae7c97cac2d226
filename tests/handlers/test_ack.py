"""Acknowledgements: one value or several, returned or given to the ``ack`` parameter."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import pytest

from trio_socketio import Ack, Answers, Server, Socket


class Point(NamedTuple):
    x: int
    y: int


class Picture(NamedTuple):
    name: str
    data: bytes


class Pair(tuple[int, int]):
    __slots__ = ()


VALUES = [
    (Point(1, 2), "[[1,2]]"),
    (Pair((1, 2)), "[[1,2]]"),
    ((Point(1, 2), 3), "[[1,2],3]"),
    ((Point(1, 2),), "[[1,2]]"),
    ([Point(1, 2)], "[[[1,2]]]"),
    ({"at": Point(1, 2)}, '[{"at":[1,2]}]'),
    (Answers({"id": Point(1, 2)}, frozenset()), '[[{"id":[1,2]},[]]]'),
    (Answers({"id": (1, 2)}, frozenset({"other"})), '[[{"id":[1,2]},["other"]]]'),
    (time.struct_time(range(9)), "[[0,1,2,3,4,5,6,7,8]]"),
    ((1, 2), "[1,2]"),
]


def answering(io: Server, kind: str, value: object) -> None:
    """A handler of the event "ask" that answers with a value."""

    async def asynchronous(socket: Socket) -> object:
        return value

    def plain(socket: Socket) -> object:
        return value

    async def by_ack(socket: Socket, ack: Ack) -> None:
        ack(*value) if type(value) is tuple else ack(value)

    async def connection(socket: Socket) -> None:
        async for event in socket:
            event.ack(*value) if type(value) is tuple else event.ack(value)

    if kind == "iteration":
        io.on("connection", connection)
        return
    io.on("ask", {"async": asynchronous, "plain": plain, "two": asynchronous, "ack": by_ack}[kind])
    if kind == "two":
        io.on("ask", plain)


@pytest.mark.rows("P32")
@pytest.mark.parametrize("kind", ["async", "plain", "two", "ack", "iteration"])
@pytest.mark.parametrize(("value", "wire"), VALUES)
async def test_returned_tuple_subclass_is_one_value(
    running: Any, kind: str, value: object, wire: str
) -> None:
    io = Server()
    answering(io, kind, value)
    async with running(io) as net:
        client = await net.connect()
        await client.emit("ask", ack=5)
        assert await client.receive() == f"35{wire}"


@pytest.mark.rows("P32")
@pytest.mark.parametrize("kind", ["async", "plain", "ack"])
async def test_returned_tuple_subclass_with_binary_is_one_value(running: Any, kind: str) -> None:
    io = Server()
    answering(io, kind, Picture("cat", b"png"))
    async with running(io) as net:
        client = await net.connect()
        await client.emit("ask", ack=5)
        assert await client.receive() == '61-5[["cat",{"_placeholder":true,"num":0}]]'
        assert await client.receive() == b"png"


@pytest.mark.rows("P32")
async def test_emitted_tuple_subclass_is_one_argument(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        await io.emit("at", Point(1, 2), Pair((3, 4)))
        assert await client.receive() == '2["at",[1,2],[3,4]]'
        io.emit_nowait("picture", Picture("cat", b"png"))
        assert await client.receive() == '51-["picture",["cat",{"_placeholder":true,"num":0}]]'
        assert await client.receive() == b"png"


@pytest.mark.rows("F6")
@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (None, "[]"),
        ({"ok": True}, '[{"ok":true}]'),
        ((1, "two"), '[1,"two"]'),
        ([1, 2], "[[1,2]]"),
        ((), "[]"),
        (0, "[0]"),
        (False, "[false]"),
    ],
)
@pytest.mark.parametrize("kind", ["async", "plain"])
async def test_return_value_is_the_acknowledgement(running: Any, value: object, wire: str, kind: str) -> None:
    io = Server()
    if kind == "async":

        @io.on("ask")
        async def ask(socket: Socket) -> object:
            return value

    else:

        @io.on("ask")
        def ask_plain(socket: Socket) -> object:
            return value

    async with running(io) as net:
        client = await net.connect()
        await client.emit("ask", ack=5)
        assert await client.receive() == f"35{wire}"


@pytest.mark.rows("F6")
async def test_ack_parameter_sends_only_the_first_acknowledgement(running: Any) -> None:
    io = Server()

    @io.on("ask")
    async def ask(socket: Socket, question: str, ack: Ack) -> str:
        assert ack.wanted
        ack("first", question)
        assert not ack.wanted
        ack("second")
        return "not used"

    async with running(io) as net:
        client = await net.connect()
        assert await client.call("ask", "q") == ["first", "q"]
        assert await client.call("ask", "r", ack=1) == ["first", "r"]
