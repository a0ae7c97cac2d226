"""What the log says of clients that are refused, and how often."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
import trio
from support.raw import POLLING, exchange, read_all, request, status, upgrade

from trio_socketio import Cors, EngineServer, Server

CLOSE = "Connection: close"

servers = pytest.mark.parametrize("server", [Server, EngineServer])


def records(caplog: pytest.LogCaptureFixture, level: int, word: str) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= level and word in record.getMessage()
    ]


async def refused(wire: Any, query: str, *fields: str, code: int = 400) -> None:
    received = await exchange(wire.stream(), request(f"{wire.io.path}?{query}", *fields, CLOSE))
    assert status(received) == code


@servers
@pytest.mark.rows("P36", "B6")
async def test_client_of_revision_3_is_logged_once_with_the_option(
    autojump_clock: Any, running: Any, server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(server()) as wire:
        for query in ("transport=polling", "EIO=2&transport=polling", "EIO=3&transport=polling&b64=1"):
            await refused(wire, query)
        stream = wire.stream()
        await stream.send_all(upgrade(f"{wire.io.path}?EIO=3&transport=websocket"))
        assert status(await read_all(stream)) == 400
        (line,) = records(caplog, logging.INFO, "allow_eio3")
        assert "allow_eio3=True" in line
        assert not records(caplog, logging.WARNING, "")
        await trio.sleep(60)
        await refused(wire, "EIO=3&transport=polling")
        assert len(records(caplog, logging.INFO, "allow_eio3")) == 2


@servers
@pytest.mark.rows("P36", "B6")
async def test_option_is_not_named_where_it_does_not_help(
    autojump_clock: Any, running: Any, server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(server()) as wire:
        for query in ("EIO=5&transport=polling", "EIO=&transport=polling", "EIO=abc&transport=polling"):
            await refused(wire, query)
    async with running(server(allow_eio3=True)) as wire:
        await refused(wire, "EIO=5&transport=polling")
    assert not records(caplog, logging.INFO, "allow_eio3")


@servers
@pytest.mark.parametrize("cors", [(), Cors(origin=lambda origin, request: False)])
@pytest.mark.rows("P36", "B10")
async def test_refused_origin_is_one_warning_a_minute(
    autojump_clock: Any, running: Any, server: Any, cors: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(server(cors=cors)) as wire:
        for minute in (1, 2):
            for origin in ("http://a.example", "http://b.example", "http://a.example"):
                for _ in range(3):
                    await refused(wire, "EIO=4&transport=polling", f"Origin: {origin}", code=403)
                stream = wire.stream()
                await stream.send_all(upgrade(f"{wire.io.path}?EIO=4&transport=websocket", Origin=origin))
                assert status(await read_all(stream)) == 403
            for name in "ab":
                lines = records(caplog, logging.WARNING, f"'http://{name}.example'")
                assert len(lines) == minute
                assert "cors=" in lines[0]
                assert "trusted_proxies=" in lines[0]
            await trio.sleep(60)


@pytest.mark.rows("P36", "B10")
async def test_long_origins_are_cut_in_the_log(
    autojump_clock: Any, running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    origin, host = "http://evil.example/" + "\xe9" * 500, "Host: good.example" + "\xe9" * 500
    async with running(Server()) as wire:
        data = request(POLLING, f"Origin: {origin}", CLOSE, host=host)
        assert status(await exchange(wire.stream(), data)) == 403
        (line,) = records(caplog, logging.WARNING, "'http://evil.example/")
        assert "'good.example" in line
        assert len(line) < 500


@pytest.mark.rows("P36", "B10")
async def test_at_most_100_origins_are_named_in_a_minute(
    autojump_clock: Any, running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(Server()) as wire:
        http = wire.http()
        for _ in range(2):
            for number in range(150):
                origin = {"Origin": f"http://{number}.example"}
                assert (await http.request("GET", POLLING, headers=origin)).status == 403
        assert len(records(caplog, logging.WARNING, "from origin")) == 100
        await trio.sleep(60)
        assert (await wire.http().request("GET", POLLING, headers=origin)).status == 403
        assert len(records(caplog, logging.WARNING, "from origin")) == 101


@pytest.mark.rows("P36", "C8")
async def test_refused_script_tag_is_logged_with_its_page(
    autojump_clock: Any, running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(Server(jsonp=True)) as wire:
        for _ in range(2):
            target = "EIO=4&transport=polling&j=0"
            await refused(wire, target, "Referer: http://a.example/page", code=403)
        assert len(records(caplog, logging.WARNING, "'http://a.example'")) == 1


@pytest.mark.rows("B21", "B2")
async def test_foreign_sid_is_explained_once_in_the_log(
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
        async with running(Server(generate_id=lambda: "mine")) as wire:  # its ids may have any form
            await wire.http().request("GET", f"{POLLING}&sid=123456")
        assert hints() == 2


@servers
@pytest.mark.rows("I17", "G07")
async def test_request_that_reaches_the_wrong_server_is_refused_at_once_and_explained_once_a_minute(
    autojump_clock: Any, running: Any, server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The session exists, on another server."""
    caplog.set_level(logging.INFO)
    async with running(server()) as owner, running(server()) as wrong:
        target = f"{owner.io.path}?EIO=4&transport=polling"
        opened = await owner.http().request("GET", target)
        sid = json.loads(opened.text[1:])["sid"]
        begin = trio.current_time()
        for minute in (1, 2):
            for method, body in (("GET", b""), ("POST", b"40")):
                for _ in range(3):
                    response = await wrong.http().request(method, f"{target}&sid={sid}", body)
                    assert response.status == 400
                    assert response.json == {"code": 1, "message": "Session ID unknown"}
            stream = wrong.stream()
            await stream.send_all(upgrade(f"{wrong.io.path}?EIO=4&transport=websocket&sid={sid}"))
            assert status(await read_all(stream)) == 400
            assert trio.current_time() - begin == 60 * (minute - 1)
            lines = records(caplog, logging.INFO, "that this server does not have")
            assert len(lines) == minute
            for remedy in ("sticky sessions", "python -m trio_socketio serve", "transports: ['websocket']"):
                assert remedy in lines[0]
            await trio.sleep_until(begin + 60 * minute)


@pytest.mark.rows("I17")
async def test_unknown_ids_of_the_application_are_explained_too(
    running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(Server(generate_id=lambda: "mine")) as wire:
        await wire.http().request("GET", f"{POLLING}&sid=yours")
        assert len(records(caplog, logging.INFO, "sticky sessions")) == 1
    assert not any("yours" in message for message in caplog.messages)
