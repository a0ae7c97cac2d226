"""A client that polls keeps to the size that the open packet names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from clients.combinations import Combination
from clients.harness import Node
from clients.server import Mailbox, make_server, serving
from trio_socketio import EngineRequest, Socket

pytestmark = pytest.mark.clients

SIZES = [600_000, 600_001, 300_000, 300_001, 5]


@pytest.mark.rows("C26")
async def test_a_burst_goes_in_bodies_that_the_server_takes(node: Node) -> None:
    """It has 1.8 MB to send as soon as it is connected; two of the events would be too much for one body."""
    io = make_server()
    heard: Mailbox[str] = Mailbox()
    bodies: list[int] = []
    io.on("text", lambda socket, text: heard.put(text))

    @io.engine.use
    async def measure(request: EngineRequest, go_on: Callable[[], Awaitable[None]]) -> None:
        if request.method == "POST":
            bodies.append(int(request.headers["content-length"]))
        await go_on()

    client = node.client(Combination("4", "polling"))
    async with serving(io) as url:
        await client.start(url, autoConnect=False)
        for size in SIZES:
            await client.emit("text", "x" * size)
        await client.again()
        for size in SIZES:
            assert len(await heard.get()) == size
    assert max(bodies) <= io.config.max_http_buffer_size
    large = [round(body, -5) for body in bodies if body > 1000]
    assert large == [600_000, 900_000, 300_000], "what is there when it may send, as far as it fits"


@pytest.mark.rows("C26")
async def test_a_client_that_is_told_less_packs_less(node: Node) -> None:
    io = make_server(max_http_buffer_size=1000)
    heard: Mailbox[int] = Mailbox()

    @io.on("number")
    def number(socket: Socket, number: int, text: str) -> None:
        heard.put(number)

    client = node.client(Combination("4", "polling"))
    async with serving(io) as url:
        await client.start(url, autoConnect=False)
        for index in range(50):
            await client.emit("number", index, "x" * 100)
        await client.again()
        assert [await heard.get() for _ in range(50)] == list(range(50))
        assert not client.pending("disconnect")
