"""Handlers: their parameters, their answers, their errors."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import trio
from support.links import Link
from support.wire import Wire
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Ack, ArgumentsError, Server, Socket
from trio_socketio.handlers import Handler


class Point(msgspec.Struct):
    x: int
    y: int = 0


@dataclass
class Named:
    name: str
    picture: bytes = b""


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
async def test_ack_parameter_is_called_once(running: Any) -> None:
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
async def test_mismatch_never_reaches_the_handler(running: Any, args: list[Any], text: str) -> None:
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


async def test_surplus_arguments_with_varargs_and_defaults(running: Any) -> None:
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


async def test_exception_text_is_never_the_clients(running: Any, caplog: pytest.LogCaptureFixture) -> None:
    io = Server()
    errors: list[Any] = []
    io.on_error(lambda socket, event, error: errors.append((socket.nsp.name, event, error)))

    @io.on("fail")
    async def fail(socket: Socket) -> None:
        raise ValueError("the password is swordfish")

    @io.on("fail_plain")
    def fail_plain(socket: Socket) -> None:
        raise ValueError("swordfish")

    async with running(io) as net:
        client, other = await net.connect(), await net.connect()
        assert await client.call("fail") == [{"error": "Internal server error"}]
        assert await client.call("fail_plain") == [{"error": "Internal server error"}]
        assert await other.call("fail", ack=3) == [{"error": "Internal server error"}]
    assert [(nsp, event) for nsp, event, _ in errors] == [("/", "fail"), ("/", "fail_plain"), ("/", "fail")]
    records = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(records) == 3
    assert "'fail' in /" in records[0].getMessage()


async def test_error_in_a_group_is_contained_and_cancelled_is_not_swallowed(running: Any) -> None:
    io = Server()
    errors: list[Exception] = []
    io.on_error(lambda socket, event, error: errors.append(error))
    cancelled = trio.Event()

    @io.on("group")
    async def group(socket: Socket) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, 0)
            raise ValueError("inside")

    @io.on("stuck")
    async def stuck(socket: Socket) -> None:
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            cancelled.set()
            raise

    async with running(io) as net:
        client = await net.connect()
        assert await client.call("group") == [{"error": "Internal server error"}]
        assert isinstance(errors[0], ValueError)
        await client.emit("stuck")
        await wait_all_tasks_blocked()
        await client.ws.close()
        await cancelled.wait()
    assert len(errors) == 1


@pytest.mark.parametrize("fatal", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("kind", ["async", "plain"])
def test_interrupts_propagate_and_stop_the_server(link: Link, fatal: type[BaseException], kind: str) -> None:
    io = Server()
    if kind == "async":

        @io.on("stop")
        async def stop(socket: Socket) -> None:
            raise fatal

    else:

        @io.on("stop")
        def stop_plain(socket: Socket) -> None:
            raise fatal

    async def main() -> None:
        async with io, trio.open_nursery() as nursery:
            wire = Wire(io, nursery, link)
            client = await wire.connect()
            await client.emit("stop")
            await trio.sleep_forever()

    with pytest.raises(fatal):
        trio.run(main)


async def test_slow_plain_function_is_named_in_the_log(
    running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    import time

    io = Server()

    @io.on("slow")
    def slow(socket: Socket) -> None:
        time.sleep(0.12)

    async with running(io) as net:
        client = await net.connect()
        await client.call("slow")
    assert any("slow blocked the server" in record.getMessage() for record in caplog.records)


@pytest.mark.rows("F2")
async def test_once_off_listeners_and_remove_all(running: Any) -> None:
    io = Server()
    calls: list[str] = []

    def first(socket: Socket) -> None:
        calls.append("first")
        socket.nsp.off("ev", second)  # safe during dispatch: this round is not affected

    def second(socket: Socket) -> None:
        calls.append("second")

    io.on("ev", first)
    io.on("ev", second)
    io.once("ev", lambda socket: calls.append("once"))
    assert len(io.of("/").listeners("ev")) == 3

    async with running(io) as net:
        client = await net.connect()
        await client.call("ev")
        await client.call("ev")
        assert calls == ["first", "second", "once", "first"]
        (socket,) = io.sockets.values()
        own = socket.on("mine", lambda: calls.append("mine"))
        assert socket.listeners("mine") == [own]
        socket.once("mine", lambda: calls.append("mine once"))
        await client.call("mine")
        await client.call("mine")
        assert calls[4:] == ["mine", "mine once", "mine"]
        socket.off("mine", own)
        assert socket.listeners("mine") == []
        socket.on("mine", own)
        socket.remove_all_listeners()
        assert socket.listeners("mine") == []
        io.of("/").remove_all_listeners("ev")
        assert io.of("/").listeners("ev") == []


@pytest.mark.rows("F5", "D8")
async def test_numeric_event_names(running: Any) -> None:
    io = Server()

    @io.on(5)
    async def five(socket: Socket, text: str) -> None:
        await socket.emit(5, text)

    async with running(io) as net:
        client = await net.connect()
        await client.send('2[5,"x"]')
        assert await client.receive() == '2[5,"x"]'


def test_bad_handlers_are_refused_at_registration() -> None:
    io = Server()
    with pytest.raises(TypeError, match="needs a first parameter for the socket"):
        io.on("x", lambda: None)
    with pytest.raises(TypeError, match="a handler is a function, not int"):
        io.on("x", 3)
    with pytest.raises(TypeError, match="cannot be resolved"):
        exec("from __future__ import annotations\n@io.on('x')\ndef f(socket, a: Nowhere): ...", {"io": io})

    def keyword(socket: Socket, *, key: int) -> None: ...

    with pytest.raises(TypeError, match="no keyword arguments"):
        io.on("x", keyword)


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


def test_a_handler_may_use_variables_that_come_later() -> None:
    def move(socket: object, x: int) -> int:
        return x + later

    handler = Handler(move, takes_socket=True)
    later = 2
    assert handler.call(None, [1], Ack(None)) == 3
