"""HTTP/1.1 in front of the engine: what is answered, byte for byte, and what keeps the connection."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from support.raw import POLLING, exchange, read_all, read_until, request, status, upgrade
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server

CLOSE = "Connection: close"


@pytest.mark.rows("A2")
@pytest.mark.parametrize("path", ["/", "/socket.io", "//socket.io/", "/socket.io//", "/socket.io/../socket.io/",
                                  "/%73ocket.io/", "/socket.io/x", "/engine.io/", "*"])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "BREW"])
async def test_other_paths(autojump_clock: Any, running: Any, parser: Any, path: str, method: str) -> None:
    async with running(Server(http=parser)) as wire:
        response = await wire.http().request(method, f"{path}?EIO=4&transport=polling")
        assert (response.status, response.body) == (404, b"")
        assert wire.io.engine.clients_count == 0


@pytest.mark.rows("A2")
async def test_path_option(autojump_clock: Any, running: Any, parser: Any) -> None:
    async with running(Server(http=parser, path="/a/b/")) as wire:
        http = wire.http()
        assert (await http.request("GET", "/a/b/?EIO=4&transport=polling")).status == 200
        assert (await http.request("GET", POLLING)).status == 404


@pytest.mark.rows("B17", "C1")
async def test_polling_handshake_on_the_wire(autojump_clock: Any, running: Any, parser: Any) -> None:
    async with running(Server(http=parser, generate_id=lambda: "a" * 20)) as wire:
        received = await exchange(wire.stream(), request(POLLING, CLOSE))
        head, _, body = received.partition(b"\r\n\r\n")
        assert body == (
            b'0{"sid":"aaaaaaaaaaaaaaaaaaaa","upgrades":["websocket"],'
            b'"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
        )
        line, *fields = head.split(b"\r\n")
        assert line.startswith(b"HTTP/1.1 200")
        assert Counter(field for field in fields if not field.startswith(b"Date: ")) == Counter([
            b"Content-Type: text/plain; charset=UTF-8", b"Content-Length: 118",
            b"cache-control: no-store", b"Connection: close",
        ])  # fmt: skip


@pytest.mark.rows("B17")
async def test_answer_to_a_post_on_the_wire(autojump_clock: Any, running: Any, parser: Any) -> None:
    async with running(Server(http=parser)) as wire:
        polling = await wire.polling()
        response = await polling.post("40")
        assert (response.status, response.body) == (200, b"ok")
        assert response.own_headers == {
            "content-type": "text/html",
            "content-length": "2",
            "cache-control": "no-store",
        }


@pytest.mark.rows("B1", "B2", "B3", "B4", "B5", "B6", "B18")
@pytest.mark.parametrize(
    ("method", "target", "headers", "code"),
    [
        ("GET", "/socket.io/?EIO=4", {}, 0),
        ("GET", POLLING + "&sid=unknown", {}, 1),
        ("PUT", POLLING, {}, 2),
        ("GET", "/socket.io/?EIO=4&transport=websocket", {}, 3),
        ("GET", POLLING, {"Origin": "http://evil.example"}, 4),
        ("GET", "/socket.io/?transport=polling&b64=1&sid", {}, 5),
    ],
)
async def test_refusals_on_the_wire(
    autojump_clock: Any,
    running: Any,
    parser: Any,
    method: str,
    target: str,
    headers: dict[str, str],
    code: int,
) -> None:
    messages = ["Transport unknown", "Session ID unknown", "Bad handshake method", "Bad request", "Forbidden",
                "Unsupported protocol version"]  # fmt: skip
    async with running(Server(http=parser)) as wire:
        http = wire.http()
        for _ in range(2):  # a refusal keeps the connection
            response = await http.request(method, target, headers=headers)
            assert response.status == (403 if code == 4 else 400)
            assert response.text == f'{{"code":{code},"message":"{messages[code]}"}}'
            assert response.own_headers == {
                "content-type": "application/json",
                "content-length": str(len(response.body)),
            }


@pytest.mark.rows("B3")
async def test_head_has_no_body(autojump_clock: Any, running: Any, parser: Any) -> None:
    async with running(Server(http=parser)) as wire:
        received = await exchange(wire.stream(), request(POLLING, CLOSE, method="HEAD"))
        assert status(received) == 400
        assert received.endswith(b"\r\n\r\n")
        assert b"Content-Length: 43" in received
        assert wire.io.engine.clients_count == 0


@pytest.mark.rows("B19")
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_unknown_method_is_refused(autojump_clock: Any, running: Any, parser: Any, method: str) -> None:
    async with running(Server(http=parser)) as wire:
        polling = await wire.polling()
        response = await wire.http().request(method, polling.target)
        assert (response.status, response.headers["allow"], response.body) == (405, "GET, POST, OPTIONS", b"")
        assert (await polling.post("40")).text == "ok"


async def test_one_byte_at_a_time(autojump_clock: Any, running: Any, parser: Any) -> None:
    async with running(Server(http=parser)) as wire:
        stream = wire.stream()
        for byte in request(POLLING, "x-lower: 1", CLOSE):
            await stream.send_all(bytes([byte]))
        assert status(await read_all(stream)) == 200


@pytest.mark.parametrize("segments", ["one", "bytes"])
async def test_chunked_post(autojump_clock: Any, running: Any, parser: Any, segments: str) -> None:
    async with running(Server(http=parser)) as wire:
        polling = await wire.polling()
        data = request(polling.target, "transfer-encoding: Chunked", CLOSE, method="POST",
                       body=b"1\r\n4\r\n1;name=value\r\n0\r\n0\r\nTrailer: x\r\n\r\n")  # fmt: skip
        stream = wire.stream()
        for piece in [data] if segments == "one" else [bytes([byte]) for byte in data]:
            await stream.send_all(piece)
        received = await read_all(stream)
        assert status(received) == 200
        assert received.endswith(b"\r\n\r\nok")
        assert (await polling.get()).text.startswith("40{")


async def test_client_that_waits_for_100_continue(autojump_clock: Any, running: Any, parser: Any) -> None:
    async with running(Server(http=parser)) as wire:
        polling = await wire.polling()
        stream = wire.stream()
        await stream.send_all(
            request(polling.target, "Expect: 100-continue", "Content-Length: 2", CLOSE, method="POST")
        )
        assert (await read_until(stream, b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        await stream.send_all(b"40")
        assert (await read_all(stream)).endswith(b"ok")


async def test_target_may_be_a_whole_uri(autojump_clock: Any, running: Any, parser: Any) -> None:
    async with running(Server(http=parser)) as wire:
        assert status(await exchange(wire.stream(), request(f"http://test{POLLING}", CLOSE))) == 200
        assert status(await exchange(wire.stream(), request("http://test", CLOSE))) == 404


async def test_http_1_0_is_answered_and_closed(autojump_clock: Any, running: Any, parser: Any) -> None:
    async with running(Server(http=parser)) as wire:
        received = await exchange(wire.stream(), request(POLLING, version="1.0", host=""))
        assert status(received) == 200
        assert b"Connection: close\r\n" in received


@pytest.mark.rows("C31")
async def test_connection_is_kept(autojump_clock: Any, running: Any, parser: Any) -> None:
    async with running(Server(http=parser)) as wire:
        http = wire.http()
        sids = set()
        for _ in range(5):
            response = await http.request("GET", POLLING)
            sids.add(json.loads(response.text[1:])["sid"])
        assert len(sids) == 5


@pytest.mark.rows("C31")
async def test_pipelined_requests_are_answered_in_order(
    autojump_clock: Any, running: Any, parser: Any
) -> None:
    async with running(Server(http=parser)) as wire:
        received = await exchange(
            wire.stream(), request("/nothing") + request(POLLING) + request("/socket.io/?EIO=4", CLOSE)
        )
        first, second, third = received.split(b"HTTP/1.1 ")[1:]
        assert first.startswith(b"404")
        assert second.startswith(b"200")
        assert third.startswith(b"400")


@pytest.mark.rows("C31")
async def test_second_poll_on_one_connection_waits_for_the_first(
    autojump_clock: Any, running: Any, parser: Any
) -> None:
    async with running(Server(http=parser)) as wire:
        polling = await wire.polling()
        stream = wire.stream()
        await stream.send_all(request(polling.target))
        await wait_all_tasks_blocked()
        await stream.send_all(request(polling.target, CLOSE))
        await wait_all_tasks_blocked()
        assert (await polling.post("40")).text == "ok"
        first = await read_until(stream, b"}")
        assert b"40{" in first
        await polling.post("40/nowhere,")
        assert b"44/nowhere,{" in await read_all(stream)


async def test_body_of_a_request_that_has_none_ends_the_connection(
    autojump_clock: Any, running: Any, parser: Any
) -> None:
    async with running(Server(http=parser)) as wire:
        smuggled = request(POLLING)
        received = await exchange(
            wire.stream(), request("/nothing", f"Content-Length: {len(smuggled) + 1}", body=smuggled)
        )
        assert received.count(b"HTTP/1.1") == 1
        assert wire.io.engine.clients_count == 0


async def test_bytes_behind_the_last_request_are_not_read(
    autojump_clock: Any, running: Any, parser: Any
) -> None:
    async with running(Server(http=parser)) as wire:
        received = await exchange(wire.stream(), request("/nothing", CLOSE) + request(POLLING))
        assert received.count(b"HTTP/1.1") == 1
        assert wire.io.engine.clients_count == 0


# origins


@pytest.mark.parametrize("cors", ["http://a.example", ["http://b.example", "http://a.example"], "*"])
async def test_allowed_origin_is_granted_on_every_answer(
    autojump_clock: Any, running: Any, parser: Any, cors: Any
) -> None:
    origin = {"Origin": "http://a.example"}
    async with running(Server(http=parser, cors=cors)) as wire:
        for method, target in (("GET", POLLING), ("PUT", POLLING), ("GET", POLLING + "&sid=unknown")):
            response = await wire.http().request(method, target, headers=origin)
            assert response.headers["access-control-allow-origin"] == "http://a.example"
            assert response.headers["vary"] == "Origin"
        ws = await wire.websocket(headers=origin)
        assert isinstance(await ws.receive(), str)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://test.evil.example", "http://test:81"]
)
async def test_foreign_origin_is_refused_on_every_transport(
    autojump_clock: Any, running: Any, parser: Any, origin: str
) -> None:
    async with running(Server(http=parser)) as wire:
        sid = (await wire.polling()).sid
        response = await wire.http().request("GET", POLLING, headers={"Origin": origin})
        assert response.status == 403
        assert "access-control-allow-origin" not in response.headers
        for suffix in ("", f"&sid={sid}"):
            received = await exchange(
                wire.stream(), upgrade(f"/socket.io/?EIO=4&transport=websocket{suffix}", Origin=origin)
            )
            assert status(received) == 403
        assert wire.io.engine.clients_count == 1
