"""What an application does wrong, or at an odd moment, ends nothing but its own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Ack, ConnectRefused, LocalProtocolError, Server, Socket


def noting_errors(io: Server) -> list[Exception]:
    errors: list[Exception] = []
    io.on_error(lambda socket, event, error: errors.append(error))
    return errors


# answers


def answer_plainly(socket: Socket) -> object:
    return object()


async def answer_later(socket: Socket) -> object:
    return {"deep": [object()]}


async def answer_through_the_parameter(socket: Socket, ack: Ack) -> None:
    ack(object())


@pytest.mark.parametrize("handler", [answer_plainly, answer_later, answer_through_the_parameter])
async def test_answer_that_cannot_be_encoded(running: Any, handler: Callable[..., object]) -> None:
    io = Server()
    errors = noting_errors(io)
    io.on("ask", handler)
    io.on("fine", lambda socket: "fine")
    async with running(io) as net:
        client = await net.connect()
        assert await client.call("ask") == [{"error": "Internal server error"}]
        assert await client.call("fine", ack=1) == ["fine"]
    assert [type(error) for error in errors] == [LocalProtocolError]


async def test_refusal_whose_data_cannot_be_encoded(running: Any) -> None:
    io = Server()
    errors = noting_errors(io)

    @io.use
    def no(socket: Socket) -> None:
        raise ConnectRefused("no", data=object() if socket.handshake.auth else None)

    async with running(io) as net:
        client = await net.session()
        await client.send('0{"odd":1}')
        assert await client.receive() == '4{"message":"Internal server error"}'
        await client.send("0")
        assert await client.receive() == '4{"message":"no"}'
    assert [type(error) for error in errors] == [LocalProtocolError]


# what may be registered


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


def test_annotation_that_is_no_type_is_refused_at_registration() -> None:
    def handler(socket: Socket, number: int) -> None: ...

    handler.__annotations__["number"] = 5
    with pytest.raises(TypeError, match="the annotation 5 of number cannot be used"):
        Server().on("ev", handler)


@pytest.mark.parametrize(("event", "count"), [("connection", 0), ("connect", 0), ("disconnect", 2)])
def test_handler_that_wants_more_than_a_lifecycle_event_has(event: str, count: int) -> None:
    io = Server()

    def greedy(socket: Socket, one: str, two: str, three: str) -> None: ...

    def modest(socket: Socket, one: str = "", *rest: str) -> None: ...

    io.on(event, modest)
    with pytest.raises(TypeError, match=f"greedy needs more arguments than .* has, which are {count}"):
        io.on(event, greedy)


def test_error_hook_is_a_plain_function() -> None:
    async def hook(socket: Socket, event: str | float, error: Exception) -> None: ...

    with pytest.raises(TypeError, match="never awaited"):
        Server().on_error(hook)


async def test_what_a_middleware_returns_does_not_matter(running: Any) -> None:
    io = Server()
    io.use(lambda socket: True)
    async with running(io) as net:
        await net.connect()


async def test_once_is_once_for_all_sockets_and_all_events(running: Any) -> None:
    io = Server(ordering="concurrent")
    calls: list[str] = []
    go_on = trio.Event()

    @io.on("ev")
    async def slow(socket: Socket) -> None:
        await go_on.wait()

    def note(event: str, socket: Socket) -> None:
        calls.append(event)

    for event in ("connection", "ev", "disconnecting", "disconnect"):
        io.once(event, functools.partial(note, event))
    async with running(io) as net:
        clients = [await net.connect() for _ in range(2)]
        for client in clients:
            await client.emit("ev")
            await client.emit("ev")
        await wait_all_tasks_blocked()
        go_on.set()
        await wait_all_tasks_blocked()
        for client in clients:
            await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
    assert calls == ["connection", "ev", "disconnecting", "disconnect"]


async def test_connection_handlers_never_run_from_a_packet(running: Any) -> None:
    io = Server()
    log: list[str] = []

    @io.on("connection")
    def connection(socket: Socket) -> None:
        log.append("connection")
        socket.on("connection", log.append)

    io.on("sync", lambda socket: None)
    async with running(io) as net:
        client = await net.connect()
        await client.emit("connection", "an ordinary event")
        await client.call("sync")
    assert log == ["connection", "an ordinary event"]


async def test_cancelled_beside_an_error_in_a_group_is_not_swallowed(running: Any) -> None:
    io = Server()
    log: list[str] = []
    io.on_error(lambda socket, event, error: log.append(str(error)))

    async def child() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("while it was cancelled")

    @io.on("ev")
    async def ev(socket: Socket) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)
            nursery.start_soon(trio.sleep_forever)

    io.on("ev", lambda socket: log.append("this handler comes after a cancelled one"))
    async with running(io) as net:
        client = await net.connect()
        await client.emit("ev")
        await wait_all_tasks_blocked()
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
        assert io.sockets == {}
    assert log == ["while it was cancelled"]
