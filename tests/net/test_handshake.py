"""The opening handshake of a WebSocket (RFC 6455 section 4.2): accepted, refused, and what comes right behind it."""

from __future__ import annotations

import gc
from typing import Any

import h11
import pytest
import trio
from support.links import Link
from support.raw import POLLING, WEBSOCKET, exchange, read_until, request, status, upgrade
from support.wire import SioClient, WebSocket, client_frame
from trio.testing import wait_all_tasks_blocked
from trio_websocket import WebSocketConnection

from trio_socketio import Server
from trio_socketio.net._handshake import handshake_at_once, opening_handshake
from trio_socketio.net._head_parsers import head_parser, parse_with_h11
from trio_socketio.net._http1 import Http1Connection


@pytest.mark.rows("C3")
async def test_switching_protocols(autojump_clock: Any, running: Any, parser: Any) -> None:
    async with running(Server(http=parser, generate_id=lambda: "a" * 20)) as wire:
        stream = wire.stream()
        await stream.send_all(upgrade())
        received = await read_until(stream, b"}")
        head, _, frame = received.partition(b"\r\n\r\n")
        line, *fields = head.split(b"\r\n")
        assert line.startswith(b"HTTP/1.1 101")
        # the key's answer is SHA-1 over it and the protocol's own id (section 4.2.2)
        assert sorted(field.lower() for field in fields) == [
            b"connection: upgrade", b"sec-websocket-accept: icx+yqv66kxgm0fcwalwlflwtai=", b"upgrade: websocket",
        ]  # fmt: skip
        assert frame[:2] == bytes([0x81, 107])
        assert frame[2:].startswith(b'0{"sid":"aaaaaaaaaaaaaaaaaaaa","upgrades":[],"pingInterval":25000,')
        assert wire.io.engine.clients_count == 1


BAD: dict[str, dict[str, str | None]] = {
    "no key": {"Sec_WebSocket_Key": None},
    "short key": {"Sec_WebSocket_Key": "AAAA"},
    "long key": {"Sec_WebSocket_Key": "AAAA" * 10},
    "no base64": {"Sec_WebSocket_Key": "!" * 22 + "=="},
    "unpadded": {"Sec_WebSocket_Key": "A" * 24},
    "version 12": {"Sec_WebSocket_Version": "12"},
    "no version": {"Sec_WebSocket_Version": None},
    "version abc": {"Sec_WebSocket_Version": "abc"},
    "version list": {"Sec_WebSocket_Version": "13, 8"},
    "no connection": {"Connection": None},
    "other connection": {"Connection": "keep-alive"},
    "no upgrade": {"Upgrade": None},
    "other upgrade": {"Upgrade": "h2c"},
    "no host": {"Host": None},
    "connection not ASCII": {"Connection": "Upgrade, \xe1"},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize(
    "trailing", [b"", client_frame(1, b"40"), request(POLLING)], ids=["", "frame", "request"]
)
async def test_bad_opening_handshake(
    autojump_clock: Any, running: Any, parser: Any, changes: dict[str, str | None], trailing: bytes
) -> None:
    async with running(Server(http=parser, keep_alive_timeout=1.0)) as wire:
        received = await exchange(wire.stream(), upgrade(**changes) + trailing)
        assert status(received) in (400, 426)
        if "Connection" not in changes and "Upgrade" not in changes:  # else it is plain HTTP, and may go on
            assert received.count(b"HTTP/1.1 ") == 1
            assert wire.io.engine.clients_count == 0


async def test_unsupported_websocket_version_is_answered_with_the_supported_one(
    autojump_clock: Any, running: Any, parser: Any
) -> None:
    async with running(Server(http=parser)) as wire:
        received = await exchange(wire.stream(), upgrade(Sec_WebSocket_Version="12"))
        assert b"Sec-WebSocket-Version: 13\r\n" in received
        assert b"Connection: close\r\n" in received


@pytest.mark.parametrize("host", ["\xe1.example", "xn--" + "a" * 60 + ".example", "a." * 7000])
async def test_any_host_field_is_accepted(autojump_clock: Any, running: Any, parser: Any, host: str) -> None:
    async with running(Server(http=parser)) as wire:
        stream = wire.stream()
        await stream.send_all(upgrade(Host=host))
        assert (await read_until(stream, b"}")).startswith(b"HTTP/1.1 101")


@pytest.mark.parametrize("offer", ["\xe1", ",;=", "permessage-deflate; a" + "=b; a" * 2000, '"'])
@pytest.mark.parametrize("field", ["Sec_WebSocket_Protocol", "Sec_WebSocket_Extensions"])
async def test_unknown_offers_are_declined(
    autojump_clock: Any, running: Any, parser: Any, field: str, offer: str
) -> None:
    async with running(Server(http=parser)) as wire:
        stream = wire.stream()
        await stream.send_all(upgrade(**{field: offer}))
        head = (await read_until(stream, b"}")).partition(b"\r\n\r\n")[0]
        assert head.startswith(b"HTTP/1.1 101")
        assert b"sec-websocket-protocol" not in head.lower()
        assert b"sec-websocket-extensions" not in head.lower()


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD"])
async def test_only_get_opens_a_websocket(
    autojump_clock: Any, running: Any, parser: Any, method: str
) -> None:
    async with running(Server(http=parser)) as wire:
        data = upgrade().replace(b"GET", method.encode(), 1)
        assert status(await exchange(wire.stream(), data)) == 400
        sid = (await wire.polling()).sid
        data = upgrade(f"{WEBSOCKET}&sid={sid}").replace(b"GET", method.encode(), 1)
        assert status(await exchange(wire.stream(), data)) == 400


async def test_http_1_0_knows_no_upgrade(autojump_clock: Any, running: Any, parser: Any) -> None:
    async with running(Server(http=parser)) as wire:
        received = await exchange(wire.stream(), upgrade().replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert status(received) == 400
        assert received.endswith(b'{"code":3,"message":"Bad request"}')


@pytest.mark.parametrize("path", ["/", "/socket.io", "/chat/"])
async def test_other_paths(autojump_clock: Any, running: Any, parser: Any, path: str) -> None:
    async with running(Server(http=parser)) as wire:
        received = await exchange(wire.stream(), upgrade(f"{path}?EIO=4&transport=websocket"))
        assert status(received) == 404
        assert b"Connection: close\r\n" in received


@pytest.mark.rows("B1", "B2", "B4", "B6")
@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/socket.io/?EIO=4", 0),
        (WEBSOCKET + "&sid=unknown", 1),
        (POLLING, 3),
        ("/socket.io/?EIO=3&transport=websocket", 5),
        ("/socket.io/?transport=websocket", 5),
    ],
)
async def test_refused_before_the_protocol_is_switched(
    autojump_clock: Any, running: Any, parser: Any, target: str, code: int
) -> None:
    """No answer in the words of HTTP inside of a WebSocket."""
    async with running(Server(http=parser)) as wire:
        received = await exchange(wire.stream(), upgrade(target) + request(POLLING))
        assert status(received) == 400
        assert b"Content-Type: application/json\r\n" in received
        assert received.count(b"HTTP/1.1 ") == 1
        assert received.endswith(b"}")
        assert f'"code":{code},'.encode() in received
        assert wire.io.engine.clients_count == 0


@pytest.mark.rows("C2")
@pytest.mark.parametrize("segments", ["one", "bytes"])
async def test_frames_in_the_segment_of_the_upgrade_request(
    autojump_clock: Any, running: Any, parser: Any, segments: str
) -> None:
    io = Server(http=parser)
    seen: list[str] = []
    got = trio.Event()

    @io.on("say")
    def say(socket: Any, text: str) -> None:
        seen.append(text)
        got.set()

    async with running(io) as wire:
        stream = wire.stream()
        data = upgrade() + client_frame(1, b"40")
        for piece in [data] if segments == "one" else [bytes([byte]) for byte in data]:
            await stream.send_all(piece)
        await read_until(stream, b"40{")
        for byte in client_frame(1, b'42["say","a"]'):
            await stream.send_all(bytes([byte]))
        await got.wait()
        assert seen == ["a"]


async def test_extension_offers_are_declined(autojump_clock: Any, running: Any, parser: Any) -> None:
    offers = ["permessage-deflate", "permessage-deflate; server_max_window_bits=99", "__proto__; constructor=1",
              ", ".join(["permessage-deflate; client_max_window_bits"] * 60), 'x; y="', "x" * 4000]  # fmt: skip
    async with running(Server(http=parser)) as wire:
        for offer in offers:
            stream = wire.stream()
            await stream.send_all(upgrade(Sec_WebSocket_Extensions=offer))
            received = await read_until(stream, b"\r\n\r\n")
            assert status(received) in (101, 400)
            assert b"sec-websocket-extensions" not in received.lower()


async def test_upgrade_after_other_requests_on_the_connection(
    autojump_clock: Any, running: Any, parser: Any
) -> None:
    async with running(Server(http=parser)) as wire:
        stream = wire.stream()
        await stream.send_all(request("/nothing") + request(POLLING) + upgrade())
        received = await read_until(stream, b"101")
        assert received.index(b"404") < received.index(b"200") < received.index(b"101")


async def test_client_that_leaves_during_the_handshake(
    autojump_clock: Any, running: Any, parser: Any
) -> None:
    async with running(Server(http=parser)) as wire:
        for cut in (1, 20, len(upgrade()) - 1, len(upgrade())):
            stream = wire.stream()
            await stream.send_all(upgrade()[:cut])
            await stream.aclose()
            await wait_all_tasks_blocked()
            assert wire.io.engine.clients_count == 0
        client = SioClient(await WebSocket(wire.stream()).open(WEBSOCKET))
        assert (await (await client.start()).connect()).sids


@pytest.mark.rows("A9")
async def test_opening_handshake_leaves_no_objects(
    autojump_clock: Any, running: Any, parser: Any, link: Link
) -> None:
    """Nothing of h11 or trio-websocket outlives the handshake."""
    kinds = (Http1Connection, h11.Request, WebSocketConnection)
    gc.collect()
    before = {id(kept) for kept in gc.get_objects() if isinstance(kept, kinds)}  # by other tests
    async with running(Server(http=parser)) as wire:
        client = SioClient(await WebSocket(wire.stream()).open(WEBSOCKET))
        assert (await (await client.start()).connect()).sids
        (socket,) = wire.io.of("/").sockets.values()
        assert socket.conn.driver == link.driver
        gc.collect()
        assert [kept for kept in gc.get_objects() if isinstance(kept, kinds) and id(kept) not in before] == []


@pytest.mark.parametrize("version", ["13", "12"])
async def test_cancelled_handshake_leaves_nothing_behind(version: str) -> None:
    head = parse_with_h11(upgrade(Sec_WebSocket_Version=version))
    assert head is not None
    with trio.CancelScope() as scope:
        scope.cancel()
        await opening_handshake(head)
    await trio.lowlevel.checkpoint()  # Trio holds what it has raised until then
    gc.collect()
    assert [kept for kept in gc.get_objects() if isinstance(kept, WebSocketConnection)] == []
    assert (await opening_handshake(head) == b"") == (version == "12")


ACCEPTED: dict[str, dict[str, str | None]] = {
    "as browsers": {},
    "other key": {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="},
    "other case": {"Upgrade": "WebSocket", "Connection": "UPGRADE"},
    "list": {"Connection": "keep-alive , Upgrade"},
}


@pytest.mark.parametrize("name", [*ACCEPTED, *(name for name in BAD if name != "no host")])
async def test_plain_head_is_answered_as_by_trio_websocket(name: str) -> None:
    data = upgrade(**(ACCEPTED | BAD)[name])
    plain, other = head_parser("httptools")(data), parse_with_h11(data)
    assert plain is not None
    assert other is not None
    assert plain.is_plain
    answer = await opening_handshake(plain)
    assert answer == await opening_handshake(other)
    assert answer == handshake_at_once(plain) == handshake_at_once(other)
    assert bool(answer) == (name in ACCEPTED)


async def test_handshake_that_would_have_to_wait_is_left_to_a_task() -> None:
    head = parse_with_h11(upgrade())
    assert head is not None
    with trio.CancelScope() as scope:
        scope.cancel()
        left = handshake_at_once(head) == b""
        await trio.lowlevel.checkpoint()
    assert left
    assert scope.cancelled_caught  # the cancellation is not lost
    await trio.lowlevel.checkpoint()
    gc.collect()
    assert [kept for kept in gc.get_objects() if isinstance(kept, WebSocketConnection)] == []
