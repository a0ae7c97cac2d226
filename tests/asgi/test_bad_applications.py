"""Applications with errors: each has a log line that names it, and disturbs no other client."""

from __future__ import annotations

import time
from typing import Any

import pytest
import trio
from conftest import Running
from support.asgi import without_lifespan
from support.logs import warnings
from support.raw import exchange, request
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from trio_socketio import Server

START = {"type": "http.response.start", "status": 200}
PART = {"type": "http.response.body", "body": b"part", "more_body": True}
END = {"type": "http.response.body", "body": b"end"}


async def raises(scope: Any, receive: Any, send: Any) -> None:
    raise ValueError("a bug")


async def raises_in_the_body(scope: Any, receive: Any, send: Any) -> None:
    await send(START)
    await send(PART)
    raise ValueError("a bug")


async def raises_after_the_head(scope: Any, receive: Any, send: Any) -> None:
    await send(START)
    raise ValueError("a bug")


async def sends_nothing(scope: Any, receive: Any, send: Any) -> None:
    pass


async def ends_in_the_body(scope: Any, receive: Any, send: Any) -> None:
    await send(START)
    await send(PART)


async def starts_twice(scope: Any, receive: Any, send: Any) -> None:
    await send(START)
    await send(START)


async def has_no_head(scope: Any, receive: Any, send: Any) -> None:
    await send(END)


async def sends_no_message(scope: Any, receive: Any, send: Any) -> None:
    await send("text")


async def sends_a_bad_field(scope: Any, receive: Any, send: Any) -> None:
    await send({**START, "headers": [(b"name", b"value\r\nother: value")]})


async def sends_trailers(scope: Any, receive: Any, send: Any) -> None:
    await send({**START, "trailers": True})


async def sends_a_number(scope: Any, receive: Any, send: Any) -> None:
    await send(START)
    await send({**END, "body": 5})


async def exceeds_its_length(scope: Any, receive: Any, send: Any) -> None:
    await send({**START, "headers": [(b"content-length", b"1")]})
    await send(END)


async def raises_a_group(scope: Any, receive: Any, send: Any) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(raises, scope, receive, send)


def returns_nothing(scope: Any, receive: Any, send: Any) -> None:
    pass


BEFORE = [
    raises, raises_after_the_head, sends_nothing, starts_twice, has_no_head, sends_no_message, sends_a_bad_field,
    sends_a_number, sends_trailers, exceeds_its_length, raises_a_group, returns_nothing,
]  # fmt: skip


@pytest.mark.parametrize("app", BEFORE)
async def test_failure_before_the_response_gives_500(running: Running, caplog: Any, app: Any) -> None:
    async with running(Server(asgi=app)) as wire:
        other = await wire.connect()
        response = await exchange(wire.stream(), request("/page"))
        assert response.startswith(b"HTTP/1.1 500 ")
        assert b"Connection: close" in response
        assert response.endswith(b"Internal Server Error")
        await other.ws.send("2probe")
        assert other.sids
    (line,) = warnings(caplog)
    assert f"test_bad_applications.{app.__name__} " in line
    assert "GET /page" in line


@pytest.mark.parametrize("app", [raises_in_the_body, ends_in_the_body])
async def test_failure_in_the_body_closes_the_connection(running: Running, caplog: Any, app: Any) -> None:
    async with running(Server(asgi=without_lifespan(app))) as wire:
        response = await exchange(wire.stream(), request("/page"))
    assert response.startswith(b"HTTP/1.1 200 ")
    assert response.endswith(b"4\r\npart\r\n")  # without the last chunk
    (line,) = warnings(caplog)
    assert f"test_bad_applications.{app.__name__} " in line


async def test_failure_after_the_response_leaves_the_connection_open(running: Running, caplog: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(END)
        await send(END)

    async with running(Server(asgi=without_lifespan(app))) as wire:
        http = wire.http()
        assert (await http.request("GET", "/1")).body == b"end"
        assert (await http.request("GET", "/2")).body == b"end"
        await wait_all_tasks_blocked()
    assert len(warnings(caplog)) == 2
    assert "the response is complete" in str(caplog.records[-1].exc_info)


async def test_failure_after_a_disconnect_is_logged(running: Running, caplog: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        raise ValueError("a bug")

    async with running(Server(asgi=without_lifespan(app))) as wire:
        stream = wire.stream()
        await stream.send_all(request("/"))
        await wait_all_tasks_blocked()
        await stream.aclose()
        await wait_all_tasks_blocked()
    assert len(warnings(caplog)) == 1


async def test_blocking_application_is_named(running: Running, caplog: Any) -> None:
    async def blocks(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        time.sleep(0.15)  # noqa: ASYNC251 - what the test is about
        await send(START)
        await send(END)

    async with running(Server(asgi=without_lifespan(blocks))) as wire:
        assert (await wire.http().request("GET", "/slow")).status == 200
        await wire.http().request("GET", "/slow")
    (line,) = warnings(caplog)
    assert "blocks blocked the event loop for 0." in line
    assert "GET /slow" in line


async def test_interrupt_of_an_application_stops_the_server() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise KeyboardInterrupt

    io = Server(asgi=without_lifespan(app))
    ours, theirs = memory_stream_pair()
    await ours.send_all(request("/"))
    with pytest.raises(KeyboardInterrupt):
        async with io:
            await io.serve_stream(theirs)


class OldApplication:
    """An application of ASGI 2."""

    def __init__(self, scope: Any) -> None:
        pass


@pytest.mark.parametrize("app", [OldApplication, lambda environ, start_response: [], 5, "module:app"])
def test_other_kinds_of_applications_are_refused(app: Any) -> None:
    with pytest.raises(TypeError, match="asgi must be an ASGI 3 application"):
        Server(asgi=app)
