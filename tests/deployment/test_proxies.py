"""Real clients, and scripted ones, talk to our server through nginx and HAProxy over TLS."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
import trio
import trustme
from clients.combinations import Combination
from clients.harness import Node
from clients.server import connections, disconnections, echoes, serving

from deployment.links import Counting, Visitor, reserved_url
from deployment.proxies import Proxy
from trio_socketio import Server, Socket

pytestmark = [pytest.mark.clients, pytest.mark.slow]

POLLING, WEBSOCKET = Combination("4", "polling"), Combination("4", "websocket")
UPGRADE = Combination("4", "upgrade")

#: More than nginx keeps in memory of a body, and of an answer.
LARGE = "大" * 300_000


@pytest.fixture
def ca(authority: trustme.CA) -> dict[str, str]:
    """The option that makes a client trust the proxies."""
    return {"ca": authority.cert_pem.bytes().decode()}


def echo_server(**options: Any) -> Server:
    io = Server(**options)
    echoes(io)
    return io


@pytest.mark.parametrize("combination", [POLLING, WEBSOCKET, UPGRADE], ids=str)
async def test_a_client_connects(
    proxy: Proxy, node: Node, ca: dict[str, str], combination: Combination
) -> None:
    io = echo_server()
    sockets, ends = connections(io), disconnections(io)
    client = node.client(combination)
    async with serving(io) as url, proxy.before(url) as public:
        await client.connect(public, **ca)
        socket = await sockets.get()
        assert (await client.state())["transport"] == socket.transport == combination.settled
        assert await client.call("echo", "你好", b"\x00\xff", LARGE) == ["你好", b"\x00\xff", LARGE]
        socket.emit_nowait("news", b"\x01\x02", LARGE)
        assert await client.event("news") == [b"\x01\x02", LARGE]
        await client.disconnect()
        assert await ends.get() == (socket.id, "client namespace disconnect")


async def test_heartbeats_keep_connections_open(proxy: Proxy, node: Node, ca: dict[str, str]) -> None:
    """The proxy suffers a second of silence, and there are pings in three seconds' worth of that."""
    io = echo_server(ping_interval=0.25)
    clients = [node.client(combination) for combination in (POLLING, WEBSOCKET)]
    async with serving(io) as url, proxy.before(url, proxy.silence) as public:
        for client in clients:
            await client.connect(public, **ca)
        for client in clients:
            await client.events("ping", 8)
            assert await client.call("echo", "still here") == ["still here"]
            assert not client.pending("disconnect")


async def test_silence_ends_a_websocket(proxy: Proxy, node: Node, ca: dict[str, str]) -> None:
    """Why the proxy's time limits must be above the heartbeat's."""
    client = node.client(WEBSOCKET)
    async with serving(Server()) as url, proxy.before(url, proxy.silence) as public:
        await client.connect(public, **ca)
        assert await client.event("disconnect") == ["transport close"]


async def test_requests_share_connections(proxy: Proxy, node: Node, ca: dict[str, str]) -> None:
    """A poll waits while events are sent and answered: the server sees two or three connections, not sixty."""
    io = echo_server()
    client = node.client(POLLING)
    (tcp,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    listener = Counting(tcp)
    url = "http://{}:{}".format(*tcp.socket.getsockname())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(io.serve_listeners, [listener])
        async with proxy.before(url) as public:
            await client.connect(public, **ca)
            for number in range(20):
                assert await client.call("echo", number) == [number]
        nursery.cancel_scope.cancel()
    assert listener.count <= 4


async def test_a_body_of_the_largest_size(proxy: Proxy, trust: ssl.SSLContext) -> None:
    io = Server()
    io.on("size", lambda socket, text: len(text))
    frame = '420["size",""]'
    room = io.config.max_http_buffer_size - len(frame)
    async with serving(io) as url, proxy.before(url) as public:
        visitor = Visitor(public, trust)
        await visitor.open()
        for text in ("x" * room, "x"):
            body = frame.replace('""', f'"{text}"').encode()
            assert (await visitor.request("POST", body))[:2] == (200, "ok")
            assert (await visitor.request("GET"))[1] == f"430[{len(text)}]"
            for excess in (1, 200_000):  # the server says no, and what stands before it if it has an own limit
                assert (await visitor.request("POST", b"4" * (room + len(frame) + excess)))[0] == 413


async def test_a_client_sends_too_much(proxy: Proxy, node: Node, ca: dict[str, str]) -> None:
    io = Server()
    client = node.client(POLLING)
    async with serving(io) as url, proxy.before(url) as public:
        await client.connect(public, **ca)
        await client.emit("much", "x" * io.config.max_http_buffer_size)
        assert await client.event("disconnect") == ["transport error"]


async def test_pages_of_the_same_origin_only(proxy: Proxy, trust: ssl.SSLContext) -> None:
    async with serving(Server()) as url, proxy.before(url) as public:
        assert (await Visitor(public, trust).request("GET", Origin=public))[0] == 200
        assert (await Visitor(public, trust).request("GET", Origin="https://elsewhere.example"))[0] == 403


@pytest.mark.parametrize("combination", [POLLING, UPGRADE], ids=str)
async def test_a_server_is_replaced(
    proxy: Proxy, node: Node, ca: dict[str, str], trust: ssl.SSLContext, combination: Combination
) -> None:
    """It drains, its successor takes the port, and clients come back by themselves."""
    first, second = echo_server(), echo_server()
    sockets = connections(second)
    client = node.client(combination)
    with reserved_url() as url:
        port = int(url.rpartition(":")[2])
        async with proxy.before(url) as public:
            async with serving(first, port):
                await client.connect(public, reconnection=True, reconnectionDelay=20, reconnectionDelayMax=20, **ca)
                await first.drain()
                assert (await client.event("disconnect"))[0].startswith("transport ")
                status, _, headers = await Visitor(public, trust).request("GET")
                assert (status, headers["retry-after"]) == (503, "1")
                await client.event("connect_error")
            async with serving(second, port):
                await client.event("connect")
                assert isinstance(await sockets.get(), Socket)
                assert await client.call("echo", "again") == ["again"]
