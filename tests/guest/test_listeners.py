"""The port of a guest."""

from __future__ import annotations

import socket as sockets
import ssl

import pytest
import trio
import trustme
from support.guests import in_asyncio, open_client, port_of
from support.wire import HttpClient

from trio_socketio import Server
from trio_socketio.guest import Address

pytestmark = pytest.mark.rows("K10")

POLLING = "/socket.io/?EIO=4&transport=polling"


@pytest.mark.parametrize("host", ["127.0.0.1", b"127.0.0.1"])
@in_asyncio
async def test_port_in_use_is_one_error_that_names_the_workers_of_uvicorn(host: str | bytes) -> None:
    with sockets.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            OSError, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*uvicorn --workers.*reuse_port"
        ):
            async with Server().guest(host, port):
                pytest.fail("started")
    async with Server().guest("127.0.0.1", port):
        pass


@in_asyncio
async def test_port_of_another_server_in_use_ends_neither() -> None:
    async with Server().guest("127.0.0.1", 0) as guest:
        with pytest.raises(OSError, match="uvicorn --workers"):
            await guest.serve(Server(), "127.0.0.1", port_of(guest.listeners))
        assert await guest.run(trio.lowlevel.checkpoint) is None


@in_asyncio
async def test_unknown_host_is_an_error_without_advice() -> None:
    with pytest.raises(OSError, match="cannot listen on") as caught:
        async with Server().guest("256.0.0.1", 0):
            pytest.fail("started")
    assert "uvicorn" not in str(caught.value)


async def test_reuse_port_lets_two_listeners_share_a_port() -> None:
    (first,) = await Address("127.0.0.1", 0, None, None, reuse_port=True).open()
    port = port_of([first])
    (second,) = await Address("127.0.0.1", port, None, 5, reuse_port=True).open()
    async with first, second:
        with pytest.raises(OSError, match="Address already in use"):
            await Address("127.0.0.1", port, None, None, reuse_port=False).open()


async def test_reuse_port_closes_what_is_open_if_one_address_fails() -> None:
    class TwoAddresses(trio.abc.HostnameResolver):
        async def getaddrinfo(self, *args: object, **kwargs: object) -> list[tuple[object, ...]]:
            return [
                (sockets.AF_INET, sockets.SOCK_STREAM, 0, "", ("127.0.0.1", 0)),
                (sockets.AF_INET, sockets.SOCK_STREAM, 0, "", ("192.0.2.1", 0)),
            ]

        async def getnameinfo(self, *args: object) -> object:
            pytest.fail("listening asks for no names")

    trio.socket.set_custom_hostname_resolver(TwoAddresses())
    with pytest.raises(OSError, match="cannot listen on two:0"):
        await Address("two", 0, None, None, reuse_port=True).open()


@in_asyncio
async def test_reused_port_serves() -> None:
    async with Server().guest("127.0.0.1", 0, reuse_port=True) as guest:
        client = await guest.run(open_client, port_of(guest.listeners))
        await guest.run(client.ws.stream.aclose)


@pytest.mark.parametrize("reuse_port", [False, True])
@in_asyncio
async def test_tls(reuse_port: bool) -> None:
    authority = trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)

    async def request() -> int:
        port = guest.listeners[0].transport_listener.socket.getsockname()[1]
        stream = await trio.open_ssl_over_tcp_stream(
            "127.0.0.1", port, ssl_context=client, https_compatible=True
        )
        async with stream:
            return (await HttpClient(stream).request("GET", POLLING)).status

    client.check_hostname = False
    async with Server().guest("127.0.0.1", 0, ssl_context=server, reuse_port=reuse_port) as guest:
        assert await guest.run(request) == 200
