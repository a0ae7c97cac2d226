"""Handlers of events: the answers they give, and the errors they raise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
from support.handlers import noted_errors
from support.links import Link
from support.logs import warnings
from support.wire import Wire
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Ack, LocalProtocolError, Server, Socket


async def test_client_never_receives_the_text_of_an_exception(
    running: Any, caplog: pytest.LogCaptureFixture
) -> None:
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
    assert len(warnings(caplog)) == 3
    assert "'fail' in /" in warnings(caplog)[0]


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
def test_interrupt_in_a_handler_stops_the_server(link: Link, fatal: type[BaseException], kind: str) -> None:
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


def answer_plainly(socket: Socket) -> object:
    return object()


async def answer_later(socket: Socket) -> object:
    return {"deep": [object()]}


async def answer_through_the_parameter(socket: Socket, ack: Ack) -> None:
    ack(object())


@pytest.mark.parametrize("handler", [answer_plainly, answer_later, answer_through_the_parameter])
async def test_answer_that_cannot_be_encoded_is_an_internal_error(
    running: Any, handler: Callable[..., object]
) -> None:
    io = Server()
    errors = noted_errors(io)
    io.on("ask", handler)
    io.on("fine", lambda socket: "fine")
    async with running(io) as net:
        client = await net.connect()
        assert await client.call("ask") == [{"error": "Internal server error"}]
        assert await client.call("fine", ack=1) == ["fine"]
    assert [type(error) for _, error in errors] == [LocalProtocolError]


async def test_cancelled_in_a_group_with_an_error_is_not_swallowed(running: Any) -> None:
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
