"""Real clients talk to our server through nginx and HAProxy over TLS."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trustme
from clients.combinations import TRANSPORTS, Combination
from clients.harness import Node
from clients.server import connections, disconnections, echoes, make_server, serving

from deployment.links import INVENTED, Counting, reserved_url
from deployment.proxies import Proxy
from trio_socketio import Server

pytestmark = [pytest.mark.clients, pytest.mark.slow]

POLLING, WEBSOCKET, UPGRADE = (Combination("4", transport) for transport in TRANSPORTS)
OLD_POLLING, OLD_WEBSOCKET, OLD_UPGRADE = (Combination("2", transport) for transport in TRANSPORTS)

#: More than nginx keeps in memory of a body, and of an answer.
LARGE = "大" * 300_000


@pytest.fixture
def ca(authority: trustme.CA) -> dict[str, str]:
    """The option that makes a client trust the proxies."""
    return {"ca": authority.cert_pem.bytes().decode()}


def echo_server(**options: Any) -> Server:
    io = make_server(**options)
    echoes(io)
    return io


@pytest.mark.rows("A18")
@pytest.mark.parametrize(
    "combination", [POLLING, WEBSOCKET, UPGRADE, OLD_POLLING, OLD_WEBSOCKET, OLD_UPGRADE], ids=str
)
async def test_a_client_connects(
    proxy: Proxy, node: Node, ca: dict[str, str], combination: Combination
) -> None:
    """An address that the client invents is ignored; that it uses TLS is detected."""
    io = echo_server(trusted_proxies=["127.0.0.1"])
    sockets, ends = connections(io), disconnections(io)
    client = node.client(combination)
    async with serving(io) as url, proxy.before(url) as public:
        await client.connect(public, extraHeaders=INVENTED, **ca)
        socket = await sockets.get()
        assert (socket.handshake.address, socket.handshake.secure) == ("127.0.0.1", True)
        assert await client.call("echo", "你好", b"\x00\xff", LARGE) == ["你好", b"\x00\xff", LARGE]
        assert (await client.state())["transport"] == socket.transport == combination.settled
        socket.emit_nowait("news", b"\x01\x02", LARGE)
        assert await client.event("news") == [b"\x01\x02", LARGE]
        await client.disconnect()
        assert await ends.get() == (socket.id, "client namespace disconnect")


async def test_heartbeats_keep_connections_open(proxy: Proxy, node: Node, ca: dict[str, str]) -> None:
    """The proxy suffers a second of silence, and there are pings in two seconds' worth of that."""
    io = echo_server(ping_interval=0.25)
    clients = [node.client(combination) for combination in (POLLING, WEBSOCKET, OLD_POLLING, OLD_WEBSOCKET)]
    async with serving(io) as url, proxy.before(url, changed=proxy.silence) as public:
        for client in clients:
            await client.connect(public, **ca)
        for client in clients:
            await client.events("ping", 8)
            assert await client.call("echo", "still here") == ["still here"]
            assert not client.pending("disconnect")


@pytest.mark.parametrize("combination", [WEBSOCKET, OLD_WEBSOCKET], ids=str)
async def test_silence_ends_a_websocket(
    proxy: Proxy, node: Node, ca: dict[str, str], combination: Combination
) -> None:
    """Why the proxy's time limits must be above the heartbeat's."""
    client = node.client(combination)
    async with serving(make_server()) as url, proxy.before(url, changed=proxy.silence) as public:
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


@pytest.mark.parametrize("combination", [POLLING, OLD_POLLING], ids=str)
async def test_a_client_sends_too_much(
    proxy: Proxy, node: Node, ca: dict[str, str], combination: Combination
) -> None:
    io = make_server()
    client = node.client(combination)
    async with serving(io) as url, proxy.before(url) as public:
        await client.connect(public, **ca)
        await client.emit("much", "x" * io.config.max_http_buffer_size)
        assert await client.event("disconnect") == ["transport error"]


@pytest.mark.parametrize("combination", [POLLING, UPGRADE, OLD_UPGRADE], ids=str)
async def test_a_server_is_replaced(
    proxy: Proxy, node: Node, ca: dict[str, str], combination: Combination
) -> None:
    """It drains, its successor takes the port, and clients come back by themselves."""
    first, second = echo_server(), echo_server()
    client = node.client(combination)
    again = {"reconnection": True, "reconnectionDelay": 20, "reconnectionDelayMax": 20}
    with reserved_url() as url:
        port = int(url.rpartition(":")[2])
        async with proxy.before(url) as public:
            async with serving(first, port):
                await client.connect(public, **again, **ca)
                await first.drain()
                assert (await client.event("disconnect"))[0].startswith("transport ")
            async with serving(second, port):
                await client.event("connect")
                assert await client.call("echo", "again") == ["again"]
                assert len(second.sockets) == 1
