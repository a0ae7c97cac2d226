"""What clients can do with a server that is a guest of a program of asyncio: FastAPI under uvicorn."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from clients.harness import HERE, JsClient, Node

pytestmark = [pytest.mark.clients, pytest.mark.rows("K10")]

BYTES = bytes(range(256))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Run the program for all tests of this module, and check that SIGINT ends it in order."""
    command = [sys.executable, "-W", "error", str(HERE / "guest_program.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
            assert err == ""
        finally:
            process.kill()


@pytest.mark.every_client
@pytest.mark.whole_matrix
async def test_events_binary_and_acknowledgements(client: JsClient, url: str) -> None:
    await client.connect(url)
    assert (await client.state())["transport"] == client.combination.settled
    for args in (["text", 1.5, {"a": [None, True]}], [BYTES, {"more": [b"\x00", b"\xff"]}]):
        assert await client.call("echo", *args) == args
        assert await client.event("echo") == args
    await client.answer("question", "yes", BYTES)
    await client.emit("ask", 1)
    assert await client.event("question") == [1]
    assert await client.event("told") == ["yes", BYTES]
    await client.disconnect()


@pytest.mark.every_client
@pytest.mark.needs("unicode")
async def test_rooms(client: JsClient, node: Node, url: str) -> None:
    room, other = f"room 房 {client.combination}", node.client(client.combination)
    await client.connect(url)
    await other.connect(url)
    assert await client.call("join", room) == [room]
    await other.emit("say", room, "hello", BYTES)
    assert await client.event("said") == ["hello", BYTES]
    assert await other.call("echo", 1) == [1]
    assert other.pending("said") == 0
    await client.disconnect()
    await other.disconnect()


@pytest.mark.every_client
async def test_handlers_await_asyncio(client: JsClient, url: str) -> None:
    await client.connect(url)
    assert await client.call("query", 21) == [42]
    assert await client.event("queried") == [21]
    await client.disconnect()


async def test_reconnection(client: JsClient, url: str) -> None:
    await client.connect(url, reconnection=True, reconnectionDelay=50, reconnectionDelayMax=100)
    first = (await client.state())["id"]
    await client.emit("kick")
    await client.event("disconnect")
    await client.event("connect")
    assert (await client.state())["id"] != first
    assert await client.call("echo", 1) == [1]
    await client.disconnect()
