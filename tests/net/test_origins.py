"""Which pages may ask: origins, on every transport, and a function that is asked about them."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import trio
from support.raw import POLLING, WEBSOCKET, exchange, request, status, upgrade

from trio_socketio import Cors, EngineRequest, Server

CLOSE = "Connection: close"


@pytest.mark.rows("B9")
@pytest.mark.parametrize("origin", [b"\0", b"http://a\x01.example", b"\x7f", b"a\rb", b"\x1b[0m"])
@pytest.mark.parametrize("handshake", [request(POLLING, CLOSE), upgrade()], ids=["polling", "websocket"])
async def test_origin_with_invalid_bytes_is_refused(
    autojump_clock: Any, running: Any, handshake: bytes, origin: bytes
) -> None:
    async with running(Server(cors="*")) as wire:
        data = handshake.replace(b"\r\n\r\n", b"\r\nOrigin: " + origin + b"\r\n\r\n")
        received = await exchange(wire.stream(), data)
        assert status(received) == 400
        assert origin not in received
        assert wire.io.engine.clients_count == 0


@pytest.mark.rows("B11")
@pytest.mark.parametrize(("origin", "code"), [
    ("http://a.example", 200), ("http://test", 200), (None, 200), ("http://b.example", 403), ("null", 403),
    ("http://a.example.evil", 403), ("https://a.example", 403), ("http://a.example:81", 403), ("\xe9", 403),
])  # fmt: skip
@pytest.mark.parametrize("function", [False, True])
async def test_list_of_origins_holds_on_every_transport(
    autojump_clock: Any, running: Any, origin: str | None, code: int, function: bool
) -> None:
    async def ask(origin: str, request: EngineRequest) -> bool:
        await trio.sleep(1)
        return origin == "http://a.example"

    field = [] if origin is None else [f"Origin: {origin}"]
    async with running(Server(cors=ask if function else "http://a.example")) as wire:  # type: ignore[arg-type]
        sid = (await wire.polling()).sid
        assert status(await exchange(wire.stream(), request(POLLING, *field, CLOSE))) == code
        for target in (WEBSOCKET, f"{WEBSOCKET}&sid={sid}"):
            stream = wire.stream()
            await stream.send_all(upgrade(target, Origin=origin))
            received = await stream.receive_some(65536)
            assert status(received) == (101 if code == 200 else 403)


@pytest.mark.rows("B10")
async def test_failing_function_for_origins_refuses_the_request(
    autojump_clock: Any, running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def ask(origin: str, request: EngineRequest) -> bool:
        raise LookupError

    io, told = Server(cors=ask), []  # type: ignore[arg-type]
    io.engine.on("connection_error", lambda request, *what: told.append(what))
    async with running(io) as wire:
        response = await wire.http().request("GET", POLLING, headers={"Origin": "http://a.example"})
        assert (response.status, response.json["code"]) == (400, 3)
        assert told == [(3, "Bad request", "MIDDLEWARE_FAILURE")]
        assert sum(record.levelno >= logging.ERROR for record in caplog.records) == 1
        assert (await wire.http().request("GET", POLLING)).status == 200


@pytest.mark.rows("B10", "C8")
@pytest.mark.parametrize(("referer", "code"), [
    ("Referer: http://a.example/page", 200), ("Referer: http://a.exam\x01ple/page", 400), ("Referer: page", 403),
    ("Referer: http://[", 403), ("X: none", 403),
])  # fmt: skip
async def test_function_for_origins_decides_by_the_page_of_a_script_tag(
    autojump_clock: Any, running: Any, referer: str, code: int
) -> None:
    asked: list[str] = []

    async def ask(origin: str, request: EngineRequest) -> bool:
        asked.append(origin)
        return True

    async with running(Server(cors=ask, jsonp=True)) as wire:  # type: ignore[arg-type]
        received = await exchange(wire.stream(), request(f"{POLLING}&j=0", referer, CLOSE))
        assert status(received) == code
        assert asked == (["http://a.example"] if code == 200 else [])


@pytest.mark.rows("P25", "B11")
@pytest.mark.parametrize("cors", [["file://"], "file://", Cors(origin=["file://"], credentials=True)])
async def test_origin_of_local_files_can_be_allowed(autojump_clock: Any, running: Any, cors: Any) -> None:
    async with running(Server(cors=cors)) as wire:
        for origin, code in (("file://", 200), ("file:///", 403), ("null", 403)):
            received = await exchange(wire.stream(), request(POLLING, f"Origin: {origin}", CLOSE))
            assert status(received) == code
            assert (b"\r\nAccess-Control-Allow-Origin: file://\r\n" in received) == (code == 200)
        stream = wire.stream()
        await stream.send_all(upgrade(WEBSOCKET, Origin="file://"))
        assert status(await stream.receive_some(65536)) == 101
