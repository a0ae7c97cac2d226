"""Handshakes that the application allows or refuses, and what is reported of refusals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from support.links import Link
from support.raw import POLLING, WEBSOCKET, exchange, read_all, request, status
from support.refusals import CLOSE, HANDSHAKES, errors, listening, refusal
from support.wire import Wire

from trio_socketio import EngineRequest, Forbidden, Server

Next = Callable[[], Awaitable[None]]


async def _in_a_nursery(request: EngineRequest) -> None:
    async with trio.open_nursery():
        raise Forbidden("not you")


async def _no(request: EngineRequest) -> None:
    raise Forbidden("not you")


def _plainly_no(request: EngineRequest) -> None:
    raise Forbidden("not you")


async def _say_false(request: EngineRequest) -> bool:
    return False


@pytest.mark.rows("B7", "B5", "B8")
@pytest.mark.parametrize("handshake", HANDSHAKES)
@pytest.mark.parametrize(("allow", "message"), [
    (_no, "not you"), (_plainly_no, "not you"), (_in_a_nursery, "not you"), (_say_false, "Forbidden"),
])  # fmt: skip
async def test_handshake_that_the_application_refuses_is_answered(
    autojump_clock: Any, running: Any, handshake: bytes, allow: Any, message: str
) -> None:
    io = Server(allow_request=allow)
    told = listening(io)
    async with running(io) as wire:
        assert refusal(await exchange(wire.stream(), handshake)) == (403, 4, message)
        assert io.engine.clients_count == 0
        assert told == [(4, message, "FORBIDDEN")]
        assert io.engine.refused == {"FORBIDDEN": 1}


@pytest.mark.rows("B7")
async def test_application_is_asked_only_about_handshakes(autojump_clock: Any, running: Any) -> None:
    asked: list[tuple[str, str | None, str]] = []

    async def allow(request: EngineRequest) -> None:
        await trio.sleep(1)
        asked.append((request.query["transport"], request.headers.get("x-key"), request.sid))

    async with running(Server(allow_request=allow)) as wire:
        polling = await (await wire.polling()).connect()
        await (await polling.upgrade()).send("2probe")
        await polling.get()
        await wire.websocket(headers={"X-Key": "7"})
        assert asked == [("polling", None, ""), ("websocket", "7", "")]
        assert wire.io.engine.clients_count == 2


@pytest.mark.rows("B7")
async def test_application_is_not_asked_about_requests_that_are_refused_anyway(
    autojump_clock: Any, running: Any
) -> None:
    async def allow(request: EngineRequest) -> None:
        raise AssertionError("nobody was to ask")

    io = Server(allow_request=allow)
    async with running(io) as wire:
        assert (await wire.http().request("GET", "/socket.io/?EIO=4&transport=x")).status == 400
        assert (await wire.http().request("PUT", POLLING)).status == 400
        assert (
            await wire.http().request("GET", POLLING, headers={"Origin": "http://b.example"})
        ).status == 403
        io._require_runtime().host.drain()
        assert (await wire.http().request("GET", POLLING)).status == 503


@pytest.mark.rows("B14")
async def test_slow_body_behind_a_middleware_is_still_answered(autojump_clock: Any, running: Any) -> None:
    io = Server(request_timeout=3.0)

    @io.engine.use
    async def middleware(request: EngineRequest, go_on: Next) -> None:
        await go_on()

    async with running(io) as wire:
        sid = (await wire.polling()).sid
        stream = wire.stream()
        head = f"POST {POLLING}&sid={sid} HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n4"
        assert status(await exchange(stream, head.encode())) == 408


@pytest.mark.rows("B7")
@pytest.mark.parametrize("handshake", HANDSHAKES)
async def test_exception_of_the_application_refuses_the_request(
    autojump_clock: Any, running: Any, handshake: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def allow(request: EngineRequest) -> None:
        raise LookupError("the secret detail")

    io = Server(allow_request=allow)
    told = listening(io)
    async with running(io) as wire:
        response = await exchange(wire.stream(), handshake)
        assert status(response) == 500
        assert b"secret" not in response
        assert len(errors(caplog)) == 1
        assert (len(told), io.engine.clients_count) == (1, 0)


async def _hang(*args: Any) -> Any:
    await trio.sleep_forever()


@pytest.mark.rows("B7", "B14", "B15", "B10")
@pytest.mark.parametrize("handshake", HANDSHAKES)
@pytest.mark.parametrize(("hangs", "context"), [
    ("allow_request", "FORBIDDEN"), ("generate_id", "ID_GENERATION_ERROR"), ("middleware", "MIDDLEWARE_FAILURE"),
    ("cors", "MIDDLEWARE_FAILURE"),
])  # fmt: skip
async def test_application_that_takes_too_long_is_cancelled(
    autojump_clock: Any, running: Any, handshake: bytes, hangs: str, context: str
) -> None:
    options: dict[str, Any] = {} if hangs == "middleware" else {hangs: _hang}
    if hangs == "cors":
        handshake = handshake.replace(b"\r\n\r\n", b"\r\nOrigin: http://a.example\r\n\r\n")
    io = Server(admission_timeout=7.0, **options)
    if hangs == "middleware":
        io.engine.use(_hang)
    told = listening(io)
    async with running(io) as wire:
        start = trio.current_time()
        assert refusal(await exchange(wire.stream(), handshake))[0] == (
            403 if context == "FORBIDDEN" else 400
        )
        assert trio.current_time() - start == pytest.approx(7.0)
        assert [each[2] for each in told] == [context]
        assert io.engine.clients_count == 0


@pytest.mark.rows("B7")
@pytest.mark.parametrize("handshake", HANDSHAKES)
@pytest.mark.parametrize("stops", [False, True])
async def test_exception_of_a_cancelled_application_is_logged(
    autojump_clock: Any, link: Link, handshake: bytes, stops: bool, caplog: pytest.LogCaptureFixture
) -> None:
    asked = trio.Event()

    async def clean_up() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise LookupError

    async def allow(request: EngineRequest) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(clean_up)
            nursery.start_soon(trio.sleep_forever)
            asked.set()

    io = Server(allow_request=allow)
    async with trio.open_nursery() as nursery:
        async with io:
            stream = Wire(io, nursery, link).stream()
            await stream.send_all(handshake)
            await asked.wait()
            await trio.testing.wait_all_tasks_blocked()
            if not stops:
                assert refusal(await stream.receive_some(65536)) == (403, 4, "Forbidden")
        if stops:
            assert status(await read_all(stream)) == 503
        assert len(errors(caplog)) == 1
        await stream.aclose()


@pytest.mark.rows("B7")
@pytest.mark.parametrize("handshake", HANDSHAKES)
async def test_stopping_server_cancels_the_application(
    autojump_clock: Any, link: Link, handshake: bytes
) -> None:
    asked, ended = trio.Event(), trio.Event()

    async def allow(request: EngineRequest) -> None:
        asked.set()
        try:
            await trio.sleep_forever()
        finally:
            ended.set()

    io = Server(allow_request=allow)
    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        async with io:
            stream = Wire(io, nursery, link).stream()
            await stream.send_all(handshake)
            await asked.wait()
        assert ended.is_set()
        assert trio.current_time() == start
        assert status(await read_all(stream)) == 503
        await stream.aclose()


@pytest.mark.rows("B7")
@pytest.mark.parametrize("handshake", HANDSHAKES)
async def test_draining_server_refuses_a_handshake_that_waits(
    autojump_clock: Any, running: Any, handshake: bytes
) -> None:
    async def allow(request: EngineRequest) -> None:
        io._require_runtime().host.drain()

    io = Server(allow_request=allow)
    async with running(io) as wire:
        assert status(await exchange(wire.stream(), handshake)) == 503
        assert io.engine.clients_count == 0


@pytest.mark.rows("B7")
@pytest.mark.parametrize("handshake", HANDSHAKES)
async def test_disconnect_during_admission_leaves_nothing(
    autojump_clock: Any, running: Any, handshake: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    asked, answer, answered = trio.Event(), trio.Event(), trio.Event()

    async def allow(request: EngineRequest) -> None:
        asked.set()
        await answer.wait()
        answered.set()

    io = Server(allow_request=allow)
    async with running(io) as wire:
        stream = wire.stream()
        await stream.send_all(handshake)
        await asked.wait()
        await trio.aclose_forcefully(stream)
        answer.set()
        await answered.wait()
        await trio.testing.wait_all_tasks_blocked()
        assert io.engine.clients_count == 0
        assert errors(caplog) == []


# connection_error


@pytest.mark.rows("B8")
@pytest.mark.parametrize(("method", "target", "fields", "told"), [
    ("GET", "/socket.io/?EIO=4", [], (0, "Transport unknown", "TRANSPORT_UNKNOWN")),
    ("GET", POLLING + "&sid=unknown", [], (1, "Session ID unknown", "SESSION_UNKNOWN")),
    ("POST", POLLING, ["Content-Length: 0"], (2, "Bad handshake method", "BAD_HANDSHAKE_METHOD")),
    ("GET", WEBSOCKET, [], (3, "Bad request", "TRANSPORT_HANDSHAKE_ERROR")),
    ("GET", POLLING, ["Origin: http://b.example"], (4, "Forbidden", "FORBIDDEN")),
    ("GET", POLLING + "&EIO=3", [], (5, "Unsupported protocol version", "UNSUPPORTED_PROTOCOL_VERSION")),
])  # fmt: skip
@pytest.mark.parametrize("waits", [False, True])
async def test_connection_error_is_reported_once_per_refusal(
    autojump_clock: Any, running: Any, method: str, target: str, fields: list[str], told: Any, waits: bool
) -> None:
    async def allow(request: EngineRequest) -> None: ...

    io = Server(allow_request=allow) if waits else Server()
    heard = listening(io)

    @io.engine.on("connection_error")
    def fails(*args: Any) -> None:
        raise LookupError

    async with running(io) as wire:
        await exchange(wire.stream(), request(target, *fields, CLOSE, method=method))
        assert heard == [told]
        assert io.engine.refused == {told[2]: 1}
        with pytest.raises(TypeError):
            io.engine.refused["FORBIDDEN"] = 0  # type: ignore[index]
    assert io.engine.refused == {}
