"""Clients that hang up while they are not read: their handlers end at once, whatever serves them."""

from __future__ import annotations

import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import trio
import trio.testing
import trustme
from support.descriptors import open_descriptors
from support.raw import POLLING, WEBSOCKET, request, upgrade
from support.wire import HttpClient, client_frame

from trio_socketio import EngineServer, EngineSocket, Server, Socket

pytestmark = pytest.mark.rows("P2")

EVENTS = 8

#: This many events fill the inbox, even if a handler takes the first one before the last one comes.
FILLING = EVENTS + 1

CLOSE = client_frame(8, (1000).to_bytes(2, "big"))

Ending = Callable[[trio.socket.SocketType], None]


def fin(client: trio.socket.SocketType) -> None:
    client.shutdown(socket.SHUT_WR)


def reset(client: trio.socket.SocketType) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


each_ending = pytest.mark.parametrize("ending", [fin, reset])


@dataclass
class Seen:
    """What became of the clients of a server."""

    begun: trio.Event = field(default_factory=trio.Event)
    reasons: list[str] = field(default_factory=list)
    ended: trio.Event = field(default_factory=trio.Event)
    cancelled: int = 0

    async def handle(self) -> None:
        self.begun.set()
        try:
            await trio.sleep_forever()
        finally:
            self.cancelled += 1

    def end(self, reason: str) -> None:
        self.reasons.append(reason)
        self.ended.set()


def socketio(seen: Seen, **options: Any) -> Server:
    io = Server(inbox_events=EVENTS, **options)

    @io.on("slow")
    async def slow(socket: Socket) -> None:
        await seen.handle()

    @io.on("disconnect")
    def disconnect(socket: Socket, reason: str) -> None:
        seen.end(reason)

    return io


def engine(seen: Seen, **options: Any) -> EngineServer:
    io = EngineServer(inbox_events=EVENTS, path="/socket.io/", **options)

    @io.on("message")
    async def message(socket: EngineSocket, data: object) -> None:
        await seen.handle()

    @io.on("close")
    def close(socket: EngineSocket, reason: str) -> None:
        seen.end(reason)

    return io


Connect = Callable[[], Awaitable[tuple[trio.abc.Stream, trio.socket.SocketType]]]


@asynccontextmanager
async def served(io: Server | EngineServer, *, tls: bool) -> AsyncIterator[Connect]:
    """A server over TCP or TLS; yields what connects to it, which returns a stream and the socket below."""
    authority = trustme.CA() if tls else None
    sockets: list[trio.socket.SocketType] = []
    theirs = ours = None
    if authority is not None:
        theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(theirs)
        ours = ssl.create_default_context()
        authority.configure_trust(ours)

    async def connect() -> tuple[trio.abc.Stream, trio.socket.SocketType]:
        tcp = await trio.open_tcp_stream("127.0.0.1", port)
        sockets.append(tcp.socket)
        if ours is None:
            return tcp, tcp.socket
        secure = trio.SSLStream(tcp, ours, server_hostname="localhost", https_compatible=True)
        await secure.do_handshake()
        return secure, tcp.socket

    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            (listener,) = await nursery.start(partial(io.serve, "127.0.0.1", 0, ssl_context=theirs))
            below = listener.transport_listener if tls else listener
            port = below.socket.getsockname()[1]
            try:
                yield connect
            finally:
                for each in sockets:
                    each.close()
            nursery.cancel_scope.cancel()


async def paused_websocket(connect: Connect, message: bytes, join: bytes) -> Any:
    """A client that has sent as many messages as fill its inbox, in one segment."""
    stream, below = await connect()
    await stream.send_all(upgrade(WEBSOCKET) + join)
    await stream.send_all(client_frame(1, message) * FILLING)
    return stream, below


KINDS: list[Any] = [
    pytest.param({}, False, id="reactor"),
    pytest.param({"driver": "stream"}, False, id="stream"),
    pytest.param({}, True, id="tls"),
]

each_kind = pytest.mark.parametrize(("options", "tls"), KINDS)


@each_kind
@each_ending
@pytest.mark.parametrize("last", [b"", CLOSE], ids=["", "close frame"])
async def test_client_on_websocket_hangs_up(
    options: dict[str, Any], tls: bool, ending: Ending, last: bytes
) -> None:
    seen = Seen()
    io = socketio(seen, **options)
    async with served(io, tls=tls) as connect:
        stream, below = await paused_websocket(connect, b'42["slow"]', client_frame(1, b"40"))
        await seen.begun.wait()
        await stream.send_all(client_frame(1, b'42["slow"]') + last)  # what lies behind is never read
        ending(below)
        await seen.ended.wait()
        assert not io.sockets
        assert io.engine.clients_count == 0
        assert seen.reasons == ["transport close"]
        await trio.testing.wait_all_tasks_blocked()
        assert seen.cancelled == 1


@each_kind
@each_ending
async def test_client_of_an_engine_hangs_up(options: dict[str, Any], tls: bool, ending: Ending) -> None:
    seen = Seen()
    io = engine(seen, **options)
    async with served(io, tls=tls) as connect:
        _, below = await paused_websocket(connect, b"4x", b"")
        await seen.begun.wait()
        ending(below)
        await seen.ended.wait()
        assert not io.clients
        assert seen.reasons == ["transport close"]


@pytest.mark.parametrize("turn", [None, 0.0], ids=["", "a turn for each packet"])
@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
@each_ending
async def test_client_that_polls_hangs_up_while_its_post_is_held(
    tls: bool, ending: Ending, turn: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If each packet has a turn of its own, the client may hang up before its POST is held."""
    if turn is not None:
        monkeypatch.setattr("trio_socketio.net._turn.TURN_SECONDS", turn)
    seen = Seen()
    io = socketio(seen)
    async with served(io, tls=tls) as connect:
        stream, below = await connect()
        http = HttpClient(stream)
        opening = (await http.request("GET", POLLING)).text
        sid = json.loads(opening[1:])["sid"]
        target = f"{POLLING}&sid={sid}"
        await http.request("POST", target, b"40")
        body = b"\x1e".join([b'42["slow"]'] * FILLING)
        await stream.send_all(request(target, f"Content-Length: {len(body)}", method="POST", body=body))
        await seen.begun.wait()
        ending(below)
        await seen.ended.wait()
        assert not io.sockets
        assert seen.reasons == ["transport error"]


@each_kind
async def test_many_clients_that_hang_up_leave_nothing(options: dict[str, Any], tls: bool) -> None:
    seen = Seen()
    io = socketio(seen, **options)
    async with served(io, tls=tls) as connect:
        before = len(open_descriptors())
        clients = [await paused_websocket(connect, b'42["slow"]', client_frame(1, b"40")) for _ in range(50)]
        while len(io.sockets) < 50:
            await trio.testing.wait_all_tasks_blocked()
        for number, (_, below) in enumerate(clients):
            reset(below) if number % 2 else fin(below)
        while len(seen.reasons) < 50:
            await trio.testing.wait_all_tasks_blocked()
        for _, below in clients:
            below.close()
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert not io.sockets
        assert io.engine.clients_count == 0
        assert len(open_descriptors()) == before


@each_kind
async def test_client_that_does_not_hang_up_is_served_through_many_pauses(
    options: dict[str, Any], tls: bool
) -> None:
    """Pausing and resuming again and again registers the socket again and again; all events are handled."""
    io = Server(inbox_events=2, **options)
    numbers: list[int] = []
    done = trio.Event()

    @io.on("number")
    async def number(socket: Socket, value: int) -> None:
        await trio.lowlevel.checkpoint()
        numbers.append(value)
        if value == 499:
            done.set()

    async with served(io, tls=tls) as connect:
        stream, _ = await connect()
        await stream.send_all(upgrade(WEBSOCKET) + client_frame(1, b"40"))
        for value in range(500):
            await stream.send_all(client_frame(1, b'42["number",%d]' % value))
        await done.wait()
        assert numbers == list(range(500))
        assert len(io.sockets) == 1
