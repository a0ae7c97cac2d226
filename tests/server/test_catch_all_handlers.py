"""Catch-all handlers, which run for every event before the handlers of the event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server, Socket
from trio_socketio.server import Event


def heard(log: list[Any], *, is_async: bool) -> Callable[..., Any]:
    """For ``on_any`` of a server or a namespace: keeps what comes."""

    def plain(socket: Socket, event: str, *args: Any) -> str:
        log.append((socket.id, event, *args))
        return "not an answer"

    async def waits(socket: Socket, event: str, *args: Any) -> str:
        await trio.lowlevel.checkpoint()
        return plain(socket, event, *args)

    return waits if is_async else plain


@pytest.mark.rows("F14")
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("handler_is_async", [False, True])
async def test_catch_all_handlers_run_before_handlers_of_the_event(
    running: Any, is_async: bool, handler_is_async: bool
) -> None:
    io = Server()
    log: list[Any] = []
    io.on_any(heard(log, is_async=is_async))

    async def ask(socket: Socket, question: str) -> str:
        log.append("handler")
        return question.upper()

    def ask_plainly(socket: Socket, question: str) -> str:
        log.append("handler")
        return question.upper()

    io.on("ask", ask if handler_is_async else ask_plainly)
    io.on("connection", lambda socket: None)
    io.on("disconnect", lambda socket: None)
    async with running(io) as net:
        client = await net.connect()
        (socket,) = io.sockets.values()
        assert await client.call("ask", "q") == ["Q"]
        await client.emit("nobody's", 1, 2)
        assert await client.call("ask", "r") == ["R"]
    assert log == [
        (socket.id, "ask", "q"),
        "handler",
        (socket.id, "nobody's", 1, 2),
        (socket.id, "ask", "r"),
        "handler",
    ]


@pytest.mark.rows("F14")
async def test_catch_all_handlers_of_the_namespace_run_before_those_of_the_socket(running: Any) -> None:
    io = Server()
    log: list[str] = []
    io.on_any(lambda socket, event: log.append("second"))
    io.prepend_any(lambda socket, event: log.append("first"))
    io.of("/other").on_any(lambda socket, event: log.append("not this namespace"))

    @io.on("connection")
    def connection(socket: Socket) -> None:
        socket.on("ask", lambda: "answer")

        @socket.on_any
        def third(event: str) -> None:
            log.append("third")

        assert socket.listeners_any() == [third]

    async with running(io) as net:
        client = await net.connect()
        assert await client.call("ask", "more than they take") == [{"error": "expected 0 arguments, got 1"}]
        assert log == ["first", "second", "third"]
        assert await client.call("ask") == ["answer"]
        assert log == ["first", "second", "third"] * 2


@pytest.mark.rows("F14")
async def test_removed_catch_all_handler_is_not_called(running: Any) -> None:
    io = Server()
    log: list[str] = []

    def one(socket: Socket, event: str) -> None:
        log.append("one")

    async def other(socket: Socket, event: str) -> None:
        log.append("other")

    io.on_any(one)
    io.on_any(other)
    io.on("ask", lambda socket: len(log))
    async with running(io) as net:
        client = await net.connect()
        assert await client.call("ask") == [2]
        io.off_any(one)
        assert io.listeners_any() == [other]
        assert await client.call("ask") == [3]
        io.off_any()
        assert io.listeners_any() == []
        assert await client.call("ask") == [3]
    assert log == ["one", "other", "other"]


@pytest.mark.rows("F14")
async def test_error_of_a_catch_all_handler_is_reported_and_the_event_is_handled(running: Any) -> None:
    io = Server()
    errors: list[tuple[object, str]] = []

    @io.on_any
    async def broken(socket: Socket, event: str) -> None:
        raise ValueError("no")

    io.on("ask", lambda socket: "answer")
    io.on_error(lambda socket, event, error: errors.append((event, str(error))))
    async with running(io) as net:
        client = await net.connect()
        assert await client.call("ask") == ["answer"]
    assert errors == [("ask", "no")]


@pytest.mark.rows("F14")
async def test_iteration_yields_events_that_only_a_catch_all_handler_has_seen(running: Any) -> None:
    io = Server()
    log: list[Any] = []
    io.on_any(lambda socket, event: log.append(event))

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        log.append(await anext(aiter(socket)))

    async with running(io) as net:
        client = await net.connect()
        await client.emit("unclaimed", 1)
        await wait_all_tasks_blocked()
        (event,) = log[1:]
        assert log[0] == "unclaimed"
        assert isinstance(event, Event)
        assert event.args == [1]
