"""The handshake of a socket: the details of its client's request."""

from __future__ import annotations

from typing import Any

import pytest
from support.links import Link

from trio_socketio import Server


@pytest.mark.rows("E20", "E21", "E22", "E23")
async def test_handshake_has_the_nine_fields_of_node(running: Any, link: Link) -> None:
    io = Server()
    io.of("/x")
    async with running(io) as net:
        client = await net.session("&token=a%20b&token=c", {"X-Thing": "one", "Cookie": "k=v"})
        await client.connect("/", {"user": "u"})
        await client.connect("/x")
        (socket,) = io.sockets.values()
        (other,) = io.of("/x").sockets.values()
        handshake = socket.handshake
        assert handshake.headers["x-thing"] == "one"
        assert handshake.query == {"EIO": "4", "transport": "websocket", "token": "c"}
        assert handshake.url == "/socket.io/?EIO=4&transport=websocket&token=a%20b&token=c"
        assert handshake.auth == {"user": "u"}
        assert other.handshake.auth == {}
        address = "unix" if link.driver == "reactor" else ""
        assert (handshake.address, handshake.secure, handshake.xdomain) == (address, False, False)
        assert isinstance(handshake.issued, int)
        assert handshake.issued > 1_700_000_000_000
        assert "GMT" in handshake.time
        assert socket.request is other.request
        assert socket.conn is other.conn
        assert socket.conn.request is socket.request
