"""Clients of Socket.IO protocol 4 on WebSocket."""

from __future__ import annotations

from typing import Any

from support.wire import SioClient, Wire
from trio_socketio import Server

__all__ = ["URL", "connected", "joined", "opened", "server"]

URL = "/socket.io/?EIO=3&transport=websocket&who=me"


def server(**options: Any) -> Server:
    """Return a server that admits clients of revision 3."""
    return Server(allow_eio3=True, **options)


async def opened(wire: Wire) -> SioClient:
    """Open a session, and receive its open packet only."""
    return await SioClient(await wire.websocket(URL)).start()


async def connected(wire: Wire) -> SioClient:
    """Open a session, which joins the main namespace."""
    client = await opened(wire)
    assert await client.receive() == "0"
    return client


async def joined(wire: Wire, namespace: str) -> SioClient:
    """Open a session, and join another namespace besides the main one."""
    client = await connected(wire)
    await client.send(f"0{namespace},")
    assert await client.receive() == f"0{namespace},"
    return client
