"""Real clients and binary: nested, several attachments, in acknowledgements, large."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from clients.harness import JsClient
from clients.server import DEADLINE, Mailbox, connections, echoes, make_server, serving
from trio_socketio import Socket

pytestmark = pytest.mark.clients

BYTES = bytes(range(256))
NESTED = [
    {"picture": BYTES, "more": [b"", b"\x00", {"deep": [[b"\x1e\xff"]]}]},
    b"b4 not base64",
    "plain",
    *(bytes([n]) * n for n in range(5)),
]


def size_up(client: JsClient) -> int:
    """How many bytes of binary the client can send in one packet: in a POST, base64 makes four bytes of three."""
    return 740_000 if client.combination.settled == "polling" else 990_000


@pytest.mark.rows("C1", "C2", "D2", "D3")
async def test_binary_both_ways(client: JsClient) -> None:
    io = make_server()
    heard: Mailbox[list[Any]] = Mailbox()

    @io.on("up")
    async def up(socket: Socket, *args: Any) -> None:
        heard.put([*args])
        await socket.emit("down", *args)

    async with serving(io) as url:
        await client.connect(url)
        for args in ([BYTES], [b""], NESTED):
            await client.emit("up", *args)
            assert await heard.get() == args
            assert await client.event("down") == args


@pytest.mark.rows("D2", "D3", "F6", "F9")
async def test_binary_in_acknowledgements(client: JsClient) -> None:
    io = make_server()
    sockets = connections(io)
    echoes(io)
    async with serving(io) as url:
        await client.connect(url)
        assert await client.call("echo", *NESTED) == NESTED
        await client.answer("ask", {"picture": BYTES}, b"\x00")
        with trio.fail_after(DEADLINE):
            assert await (await sockets.get()).call("ask", BYTES) == ({"picture": BYTES}, b"\x00")
        assert await client.event("ask") == [BYTES]


@pytest.mark.rows("C25", "D2")
@pytest.mark.needs("unicode")
async def test_almost_a_megabyte_both_ways(client: JsClient) -> None:
    io = make_server()
    sockets = connections(io)
    heard: Mailbox[list[Any]] = Mailbox()

    @io.on("up")
    def up(socket: Socket, *args: Any) -> int:
        heard.put([*args])
        return len(args[0])

    async with serving(io) as url:
        await client.connect(url)
        socket = await sockets.get()
        for large, size in ((b"\x1e\x00\xff" * 330_000, size_up(client)), ("字🦆x" * 330_000, 120_000)):
            await socket.emit("down", large, {"again": large[:9]})
            assert await client.event("down") == [large, {"again": large[:9]}]
            assert await client.call("up", large[:size]) == [size]
            assert await heard.get() == [large[:size]]
        assert await client.call("up", "x" * 990_000) == [990_000]
