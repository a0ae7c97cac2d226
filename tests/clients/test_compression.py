"""Real clients with compression: permessage-deflate over WebSocket, gzip over polling."""

from __future__ import annotations

import pytest

from clients.harness import JsClient
from clients.server import connections, echoes, make_server, serving
from trio_socketio import HttpCompression, PerMessageDeflate

pytestmark = pytest.mark.clients

TEXTS = ["", "x", "你好世界🦆" * 300, "x" * 100_000]


@pytest.mark.rows("B16", "C32")
@pytest.mark.parametrize("threshold", [0, 1024])
async def test_messages_both_ways(client: JsClient, threshold: int) -> None:
    io = make_server(
        per_message_deflate=PerMessageDeflate(threshold=threshold),
        http_compression=HttpCompression(threshold=threshold),
        ping_interval=0.1,
    )
    echoes(io)
    sockets = connections(io)
    async with serving(io) as url:
        await client.connect(url, perMessageDeflate={"threshold": threshold})
        socket = await sockets.get()
        has_text = client.combination.can("unicode")
        for text in TEXTS:
            args = [text, text.encode()] if has_text else [text.encode()]
            assert await client.call("echo", *args) == args
        await client.event("ping")
        await client.event("ping")
        assert socket.connected
        dialect = socket._state.peer.session.link.dialect
        if client.combination.settled == "websocket":
            assert dialect is not None
            assert dialect.deflate is not None
            assert (await client.state())["extensions"] == ["permessage-deflate"]


@pytest.mark.rows("C32")
async def test_a_client_that_offers_nothing(client: JsClient) -> None:
    io = make_server(per_message_deflate=PerMessageDeflate(threshold=0))
    echoes(io)
    sockets = connections(io)
    async with serving(io) as url:
        await client.connect(url, perMessageDeflate=False)
        dialect = (await sockets.get())._state.peer.session.link.dialect
        assert dialect is None or dialect.deflate is None
        assert await client.call("echo", "x" * 5000) == ["x" * 5000]
