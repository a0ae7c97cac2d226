"""Clients of Engine.IO without Socket.IO, with the same methods over WebSocket and polling."""

from __future__ import annotations

import base64
from collections import deque
from typing import Any, Literal

import pytest
from wsproto.events import CloseConnection

from support.wire import Polling, Response, SioClient, Wire
from trio_socketio import EngineServer, EngineSocket

__all__ = [
    "Closed", "PollingPeer", "Transport", "WebSocketPeer", "each_transport", "echoing", "only_one", "open_peer",
]  # fmt: skip

Transport = Literal["polling", "websocket"]

each_transport = pytest.mark.parametrize("transport", ["polling", "websocket"])


def only_one(eio: EngineServer) -> EngineSocket:
    """Return the only socket of a server."""
    (socket,) = eio.clients
    return socket


def echoing(**options: Any) -> EngineServer:
    """Return a server whose connection handler sends each message back."""
    eio = EngineServer(**options)

    @eio.on("connection")
    async def connection(socket: EngineSocket) -> None:
        async for message in socket:
            await socket.send(message)

    return eio


class Closed(Exception):
    """The server has closed the session."""


class WebSocketPeer:
    """A client on WebSocket."""

    def __init__(self, client: SioClient) -> None:
        self.client = client
        self.ws = client.ws

    async def send(self, *messages: str | bytes) -> None:
        for message in messages:
            await self.client.send(message)

    async def receive(self) -> str | bytes:
        message = await self.client.receive()
        if isinstance(message, CloseConnection):
            raise Closed(message.code)
        assert isinstance(message, str | bytes)
        return message

    async def close(self) -> None:
        """Send a close packet."""
        await self.ws.send("1")

    async def aclose(self) -> None:
        """Close the connection, without a close packet."""
        await self.ws.stream.aclose()


class PollingPeer:
    """A client on polling."""

    def __init__(self, polling: Polling) -> None:
        self.polling = polling
        self._come: deque[str] = deque()

    async def send(self, *messages: str | bytes) -> None:
        assert (await self.post(*messages)).text == "ok"

    async def post(self, *messages: str | bytes) -> Response:
        """Send messages, and return the response."""
        return await self.polling.post("\x1e".join(
            f"4{message}" if isinstance(message, str) else f"b{base64.b64encode(message).decode()}"
            for message in messages
        ))  # fmt: skip

    async def receive(self) -> str | bytes:
        while True:
            while not self._come:
                response = await self.polling.get()
                if response.status != 200:
                    raise Closed(response.status)
                self._come.extend(response.text.split("\x1e"))
            packet = self._come.popleft()
            if packet[0] == "b":
                return base64.b64decode(packet[1:])
            if packet[0] == "4":
                return packet[1:]
            if packet[0] == "1":
                raise Closed(1)
            if packet[0] == "2":
                assert (await self.polling.post("3")).text == "ok"
            else:
                assert packet == "6", packet

    async def close(self) -> None:
        """Send a close packet."""
        assert (await self.polling.post("1")).text == "ok"

    async def aclose(self) -> None:
        """Close the connections while a poll waits, so that the server detects the disconnect."""
        await self.polling.gets.send("GET", self.polling.target)
        await self.polling.gets.stream.aclose()
        await self.polling.posts.stream.aclose()


async def open_peer(wire: Wire, transport: Transport) -> WebSocketPeer | PollingPeer:
    """Open a session, and return its client."""
    if transport == "polling":
        return PollingPeer(await wire.polling())
    return WebSocketPeer(await wire.session())
