"""Scripted clients over any Trio stream: HTTP with h11, WebSocket with wsproto, and Socket.IO written out by hand."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import h11
import trio
import wsproto
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import Extension

from support.links import Link, MemoryLink
from trio_socketio import EngineServer, Server

DEADLINE = 10.0

#: The header fields that every response has.
GENERAL = {"date", "connection", "keep-alive"}


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def own_headers(self) -> dict[str, str]:
        """The header fields without those that every response has."""
        return {name: self.headers[name] for name in self.headers.keys() - GENERAL}


class HttpClient:
    """One HTTP/1.1 connection with keep-alive."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._h11 = h11.Connection(h11.CLIENT)

    async def request(
        self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Response:
        await self.send(method, target, body, headers)
        return await self.response()

    async def send(
        self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        if self._h11.our_state is not h11.IDLE:
            self._h11.start_next_cycle()
        fields = {"Host": "test", **(headers or {})}
        if body or method == "POST":
            fields.setdefault("Content-Length", str(len(body)))
        data = self._h11.send(h11.Request(method=method, target=target, headers=list(fields.items())))
        data += self._h11.send(h11.Data(data=body)) if body else b""
        data += self._h11.send(h11.EndOfMessage())
        await self.stream.send_all(data)

    async def response(self) -> Response:
        status, headers, body = 0, {}, b""
        with trio.fail_after(DEADLINE * 100):  # long, because virtual time costs nothing
            while True:
                event = self._h11.next_event()
                if event is h11.NEED_DATA:
                    data = await self.stream.receive_some(65536)
                    if not data:
                        raise EOFError("the server closed the connection without a whole answer")
                    self._h11.receive_data(data)
                elif isinstance(event, h11.Response):
                    status = event.status_code
                    headers = {name.decode(): value.decode() for name, value in event.headers}
                elif isinstance(event, h11.Data):
                    body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    return Response(status, headers, body)


class Rejected(Exception):
    """The server has refused the opening handshake."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


class WebSocket:
    """The client end of one WebSocket.

    Attributes:
        accepted: the server's response to the opening handshake.
    """

    accepted: AcceptConnection

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.ws = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        self._events: deque[Any] = deque()

    async def open(
        self,
        target: str,
        headers: dict[str, str] | None = None,
        extensions: Sequence[Extension] = (),
        subprotocols: Sequence[str] = (),
    ) -> WebSocket:
        extra = [(k.encode(), v.encode()) for k, v in (headers or {}).items()]
        request = Request(
            host="test",
            target=target,
            extra_headers=extra,
            extensions=list(extensions),
            subprotocols=list(subprotocols),
        )
        await self.stream.send_all(self.ws.send(request))
        event = await self._next()
        if isinstance(event, RejectConnection):
            body = b""
            while not isinstance(data := await self._next(), RejectData) or not data.body_finished:
                body += data.data if isinstance(data, RejectData) else b""
            raise Rejected(event.status_code, body + data.data)
        assert isinstance(event, AcceptConnection)
        self.accepted = event
        return self

    async def _next(self) -> Any:
        with trio.fail_after(DEADLINE * 100):
            while not self._events:
                try:
                    data = await self.stream.receive_some(65536)
                except trio.BrokenResourceError:
                    data = b""
                self.ws.receive_data(data or None)
                self._events.extend(self.ws.events())
        return self._events.popleft()

    async def send(self, message: str | bytes) -> None:
        event = TextMessage(message) if isinstance(message, str) else BytesMessage(message)
        await self.stream.send_all(self.ws.send(event))

    async def send_raw(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def receive(self) -> str | bytes | CloseConnection | Pong:
        """Return the next message. Answer pings."""
        parts: list[Any] = []
        while True:
            event = await self._next()
            if isinstance(event, TextMessage | BytesMessage):
                parts.append(event.data)
                if event.message_finished:
                    return type(parts[0])().join(parts)
            elif isinstance(event, Ping):
                await self.stream.send_all(self.ws.send(event.response()))
            elif isinstance(event, CloseConnection | Pong):
                return event

    async def close(self, code: int = 1000) -> None:
        await self.stream.send_all(self.ws.send(CloseConnection(code=code)))


def mask(payload: bytes, key: bytes) -> bytes:
    return bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def client_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    key: bytes | None = b"\x01\x02\x03\x04",
) -> bytes:
    """Return a frame of a client (RFC 6455 section 5.2). It need not be valid."""
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if key is not None else 0
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    elif len(payload) < 65536:
        head += bytes([bit | 126]) + len(payload).to_bytes(2, "big")
    else:
        head += bytes([bit | 127]) + len(payload).to_bytes(8, "big")
    return head + (key + mask(payload, key) if key is not None else payload)


def server_frames(data: bytes) -> list[tuple[int, bytes]]:
    """Return (opcode, payload) of each frame. Check that it is not fragmented and not masked (RFC 6455 section 5.1)."""
    frames, at = [], 0
    while at < len(data):
        assert data[at] & 0xF0 == 0x80
        assert not data[at + 1] & 0x80
        opcode, length, at = data[at] & 15, data[at + 1], at + 2
        size = {126: 2, 127: 8}.get(length, 0)
        if size:
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
            assert length >= {2: 126, 8: 65536}[size]
        frames.append((opcode, data[at : at + length]))
        at += length
    assert at == len(data)
    return frames


class SioClient:
    """A Socket.IO client on one WebSocket. It sends and receives encoded Socket.IO packets."""

    def __init__(self, ws: WebSocket) -> None:
        self.ws = ws
        self.open: dict[str, Any] = {}
        self.sids: dict[str, str] = {}
        self._heartbeats = True

    async def start(self) -> SioClient:
        first = await self.ws.receive()
        assert isinstance(first, str) and first[0] == "0", first
        self.open = json.loads(first[1:])
        return self

    async def connect(self, namespace: str = "/", auth: Any = None) -> SioClient:
        prefix = "" if namespace == "/" else f"{namespace},"
        await self.ws.send(f"40{prefix}{'' if auth is None else json.dumps(auth)}")
        answer = await self.receive()
        assert isinstance(answer, str), answer
        assert answer.startswith(f"0{prefix}{{"), answer
        self.sids[namespace] = json.loads(answer[1 + len(prefix) :])["sid"]
        return self

    async def receive(self) -> str | bytes | CloseConnection | Pong:
        """Return the next Socket.IO message, without the Engine.IO packet type. Answer pings."""
        with trio.fail_after(
            DEADLINE * 100
        ):  # without it, heartbeats prolong the wait for a missing message forever
            while (message := await self.ws.receive()) == "2":
                await self.ws.send("3")
        if isinstance(message, str):
            assert message[0] == "4", message
            return message[1:]
        return message

    async def send(self, message: str | bytes) -> None:
        await self.ws.send("4" + message if isinstance(message, str) else message)

    async def emit(self, event: str, *args: Any, ack: int | None = None) -> None:
        await self.send(f"2{'' if ack is None else ack}{json.dumps([event, *args], ensure_ascii=False)}")

    async def event(self) -> list[Any]:
        message = await self.receive()
        assert isinstance(message, str) and message[0] == "2", message
        return json.loads(message[1:].lstrip("0123456789"))

    async def call(self, event: str, *args: Any, ack: int = 0) -> list[Any]:
        """Emit an event, and wait for its acknowledgement, which must be the next message."""
        await self.emit(event, *args, ack=ack)
        answer = await self.receive()
        assert isinstance(answer, str), answer
        assert answer.startswith(f"3{ack}["), answer
        return json.loads(answer[1 + len(str(ack)) :])


class Wire:
    """Opens connections to a running server (``async with io:``). A task in ``nursery`` serves each of them."""

    def __init__(self, io: Server | EngineServer, nursery: trio.Nursery, link: Link | None = None) -> None:
        self.io = io
        self.nursery = nursery
        self.link = link or MemoryLink()
        self.pair = self.link.pair
        self.streams: list[trio.abc.Stream] = []

    def narrow(self) -> None:
        """Make new connections with as little buffer as possible, so that a write waits until the other end reads."""
        self.pair = self.link.narrow

    def stream(self) -> trio.abc.Stream:
        ours, theirs = self.pair()
        self.streams.append(ours)
        self.nursery.start_soon(self.io.serve_stream, theirs)
        return ours

    async def aclose(self) -> None:
        """Drop all connections."""
        for stream in self.streams:
            await trio.aclose_forcefully(stream)

    def http(self) -> HttpClient:
        return HttpClient(self.stream())

    async def websocket(self, target: str | None = None, headers: dict[str, str] | None = None) -> WebSocket:
        target = target or f"{self.io.path}?EIO=4&transport=websocket"
        return await WebSocket(self.stream()).open(target, headers)

    async def session(self, query: str = "", headers: dict[str, str] | None = None) -> SioClient:
        """Open a session on WebSocket, without joining a namespace."""
        ws = await self.websocket(f"{self.io.path}?EIO=4&transport=websocket{query}", headers)
        return await SioClient(ws).start()

    async def connect(self, namespace: str = "/", auth: Any = None) -> SioClient:
        """Open a session on WebSocket, and join a namespace."""
        return await (await self.session()).connect(namespace, auth)

    async def polling(self) -> Polling:
        """Open a session on polling, without joining a namespace."""
        return await Polling(self).start()


class Polling:
    """A client on polling, with one connection for GETs and one for POSTs."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.gets = wire.http()
        self.posts = wire.http()
        self.open: dict[str, Any] = {}

    async def start(self) -> Polling:
        response = await self.gets.request("GET", f"{self.wire.io.path}?EIO=4&transport=polling")
        assert response.status == 200, response
        assert response.text[0] == "0", response
        self.open = json.loads(response.text[1:])
        return self

    @property
    def sid(self) -> str:
        return self.open["sid"]

    @property
    def target(self) -> str:
        return f"{self.wire.io.path}?EIO=4&transport=polling&sid={self.sid}"

    async def get(self) -> Response:
        return await self.gets.request("GET", self.target)

    async def post(self, payload: str | bytes, headers: dict[str, str] | None = None) -> Response:
        body = payload.encode() if isinstance(payload, str) else payload
        return await self.posts.request("POST", self.target, body, headers)

    async def connect(self, namespace: str = "/") -> Polling:
        prefix = "" if namespace == "/" else f"{namespace},"
        assert (await self.post(f"40{prefix}")).text == "ok"
        answer = (await self.get()).text
        assert answer.startswith(f"40{prefix}{{"), answer
        return self

    async def upgrade(self) -> WebSocket:
        """Open a WebSocket for the upgrade of this session, and return it before the probe."""
        return await self.wire.websocket(f"{self.wire.io.path}?EIO=4&transport=websocket&sid={self.sid}")
