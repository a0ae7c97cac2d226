"""Who may open a session: what the application says, and what becomes of those whom it does not want."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from support.links import Link
from support.raw import POLLING, WEBSOCKET, exchange, read_all, request, status, upgrade
from support.wire import Wire

from trio_socketio import EngineRequest, Forbidden, Server

Next = Callable[[], Awaitable[None]]

CLOSE = "Connection: close"

#: The two ways to ask for a session.
HANDSHAKES = [
    pytest.param(request(POLLING, CLOSE), id="polling"),
    pytest.param(upgrade(), id="websocket"),
]


def refusal(response: bytes) -> tuple[int, int, str]:
    """The status, the code and the message."""
    body = json.loads(response.partition(b"\r\n\r\n")[2])
    return status(response), body["code"], body["message"]


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def listening(io: Server) -> list[tuple[int, str, str]]:
    """What ``connection_error`` is told from now on."""
    told: list[tuple[int, str, str]] = []

    @io.engine.on("connection_error")
    def connection_error(request: EngineRequest, code: int, message: str, context: str) -> None:
        told.append((code, message, context))

    return told


# allow_request


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
async def test_application_refuses(
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
async def test_application_is_asked_for_handshakes_alone(autojump_clock: Any, running: Any) -> None:
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
async def test_application_fails(
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
async def test_application_hangs(
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
async def test_application_fails_when_it_is_cancelled(
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
async def test_server_stops_while_the_application_thinks(
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
async def test_server_drains_while_the_application_thinks(
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
async def test_client_goes_while_the_application_thinks(
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


# generate_id


@pytest.mark.rows("B15")
async def test_id_that_is_waited_for(autojump_clock: Any, running: Any) -> None:
    async def generate_id(request: EngineRequest) -> str:
        await trio.sleep(1)
        return f"of-{request.query['transport']}"

    async with running(Server(generate_id=generate_id)) as wire:
        assert (await wire.polling()).sid == "of-polling"
        assert (await wire.session()).open["sid"] == "of-websocket"


@pytest.mark.rows("B15", "B4")
@pytest.mark.parametrize("handshake", HANDSHAKES)
@pytest.mark.parametrize("given", ["", 5, None, LookupError("no ids today")])
async def test_id_that_cannot_be_had(
    autojump_clock: Any, running: Any, handshake: bytes, given: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def generate_id() -> Any:
        await trio.lowlevel.checkpoint()
        if isinstance(given, Exception):
            raise copy.copy(given)  # one that was raised holds what it passed
        return given

    io = Server(generate_id=generate_id)
    told = listening(io)
    async with running(io) as wire:
        assert refusal(await exchange(wire.stream(), handshake)) == (400, 3, "Bad request")
        assert told == [(3, "Bad request", "ID_GENERATION_ERROR")]
        assert len(errors(caplog)) == 1


@pytest.mark.rows("B6")
async def test_no_id_is_made_for_a_revision_that_is_not_spoken(autojump_clock: Any, running: Any) -> None:
    async def generate_id() -> str:
        raise AssertionError("nobody was to ask")

    async with running(Server(generate_id=generate_id)) as wire:
        assert refusal(await exchange(wire.stream(), request("/socket.io/?transport=polling", CLOSE)))[1] == 5


@pytest.mark.rows("B15")
async def test_two_handshakes_do_not_get_the_same_id(autojump_clock: Any, running: Any) -> None:
    waiting = 0
    both = trio.Event()

    async def generate_id() -> str:
        nonlocal waiting
        waiting += 1
        if waiting == 2:
            both.set()
        await both.wait()
        return "the only one"

    io = Server(generate_id=generate_id)
    async with running(io) as wire:
        answers: dict[Any, bytes] = {}

        async def shake(data: bytes) -> None:
            stream = wire.stream()
            await stream.send_all(data)
            answers[stream] = b""
            with trio.move_on_after(1):
                while received := await stream.receive_some(65536):
                    answers[stream] += received

        async with trio.open_nursery() as nursery:
            nursery.start_soon(shake, upgrade())
            nursery.start_soon(shake, upgrade())
        assert sorted(map(status, answers.values())) in ([101, 400], [101, 101])
        assert sum(b'0{"sid":"the only one"' in answer for answer in answers.values()) == 1
        assert io.engine.clients_count == 1


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
async def test_every_refusal_is_told_once(
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


# a parameter that is ours


@pytest.mark.rows("B21", "B2")
async def test_applications_own_sid_is_explained_now_and_then(
    autojump_clock: Any, running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def hints() -> int:
        return sum("must not call its own query parameter sid" in message for message in caplog.messages)

    with caplog.at_level(logging.INFO):
        async with running(Server()) as wire:
            http = wire.http()
            for sid, expected in (("a" * 20, 0), ("123456", 1), ("123456", 1), ("a" * 21, 1)):
                response = await http.request("GET", f"{POLLING}&sid={sid}")
                assert response.text == '{"code":1,"message":"Session ID unknown"}'
                assert hints() == expected
            await trio.sleep(60)
            await http.request("GET", f"{POLLING}&sid=123456")
            assert hints() == 2
        assert not any("123456" in message for message in caplog.messages)
        async with running(Server(generate_id=lambda: "mine")) as wire:  # whose look is not ours to know
            await wire.http().request("GET", f"{POLLING}&sid=123456")
        assert hints() == 2
