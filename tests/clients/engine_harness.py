"""Real clients of Engine.IO by itself, and a server for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from clients.harness import AnyClient
from clients.server import Mailbox, serving
from trio_socketio import EngineServer, EngineSocket


class EngineClient(AnyClient):
    """One client of Engine.IO. It sees "open", "message", "upgrade", "ping" and "close"."""

    async def connect(self, url: str, **opts: Any) -> None:
        """Connect, and wait until the upgrade is done if there is one.

        Args:
            url: the server's.
            **opts: the client's options, by their JavaScript names.
        """
        opts = {"transports": self.combination.transports, **opts}
        await self.node.ask("connect", self, version=self.combination.version, url=url, opts=opts)
        await self.event("open")
        await self.upgraded()

    async def send(self, *messages: str | bytes) -> None:
        await self.node.ask("send", self, messages=messages)

    async def message(self) -> str | bytes:
        """The next message that it receives."""
        (message,) = await self.event("message")
        assert isinstance(message, str | bytes)
        return message

    async def close(self) -> None:
        await self.node.ask("close", self)


@dataclass(frozen=True, slots=True)
class EngineVisit:
    """The one connected client, and the server's socket for it."""

    socket: EngineSocket
    messages: Mailbox[str | bytes]
    ends: Mailbox[str]


@asynccontextmanager
async def engine_visited_by(client: EngineClient, **options: Any) -> AsyncIterator[EngineVisit]:
    """A server that runs, and this client on it."""
    eio = EngineServer(allow_eio3=True, **options)
    sockets: Mailbox[EngineSocket] = Mailbox()
    messages: Mailbox[str | bytes] = Mailbox()
    ends: Mailbox[str] = Mailbox()
    eio.on("connection", sockets.put)
    eio.on("message", lambda socket, data: messages.put(data))
    eio.on("close", lambda socket, reason: ends.put(reason))
    async with serving(eio) as url:
        await client.connect(url)
        yield EngineVisit(await sockets.get(), messages, ends)
