"""Requests that no client of Socket.IO sends, and what they become behind nginx and HAProxy."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from clients.server import DEADLINE, serving

from deployment.links import INVENTED, Visitor
from deployment.proxies import HAProxy, Proxy
from trio_socketio import Server

pytestmark = [pytest.mark.clients, pytest.mark.slow]

#: Another address than the proxy's.
VISITOR = "127.0.0.2"


@pytest.mark.rows("A18")
@pytest.mark.parametrize("appends", [False, True])
@pytest.mark.parametrize(
    ("options", "address", "secure"),
    [
        ({"trusted_proxies": ["127.0.0.1"]}, VISITOR, True),
        ({"trusted_proxies": ["127.0.0.1"], "proxy_header": "forwarded"}, "127.0.0.1", False),
        ({}, "127.0.0.1", False),
    ],
    ids=["trusted", "the other field", "not trusted"],
)
async def test_what_the_server_believes(
    proxy: Proxy, trust: ssl.SSLContext, options: dict[str, Any], address: str, secure: bool, appends: bool
) -> None:
    """A visitor invents addresses, in both fields; the proxy takes them out, or adds the true one behind them."""
    io = Server(**options)
    changed = proxy.appending if appends else {}
    async with serving(io) as url, proxy.before(url, changed=changed) as public:
        await Visitor(public, trust, VISITOR).open(INVENTED)
        (socket,) = io.sockets.values()
        assert (socket.handshake.address, socket.handshake.secure) == (address, secure)
        assert "forwarded" not in socket.handshake.headers
        assert (INVENTED["X-Forwarded-For"] in socket.handshake.headers["x-forwarded-for"]) is appends


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
            for excess in (
                1,
                200_000,
            ):  # the server says no, and what stands before it if it has an own limit
                assert (await visitor.request("POST", b"4" * (room + len(frame) + excess)))[0] == 413


@pytest.mark.rows("B11")
async def test_pages_of_the_same_origin_only(proxy: Proxy, trust: ssl.SSLContext) -> None:
    """The port belongs to the origin, and so does the scheme, as soon as the proxy is trusted to tell it."""
    plain = "http://{}"
    for options, allowed in (({"trusted_proxies": ["127.0.0.1"]}, 403), ({}, 200)):
        async with serving(Server(**options)) as url, proxy.before(url) as public:
            visitor = Visitor(public, trust)
            origins = [(public, 200), (plain.format(visitor.host), allowed), ("https://127.0.0.1", 403)]
            for origin, status in origins:
                assert (await visitor.request("GET", headers={"Origin": origin}))[0] == status, origin


@pytest.mark.rows("B23")
async def test_new_clients_of_a_server_that_drains(proxy: Proxy, trust: ssl.SSLContext) -> None:
    """They are told to come again, and so are monitors; those from outside see nothing of these."""
    io = Server(health_path="/healthz")
    async with serving(io) as url, proxy.before(url) as public:
        before, monitor = Visitor(public, trust), Visitor(url, target="/healthz")
        assert (await monitor.request("GET"))[0] == 200
        assert (await Visitor(public, trust, target="/healthz").request("GET"))[0] in (404, 503)
        await before.open()
        await io.drain()
        assert (await before.request("GET"))[:2] == (200, "1")
        status, _, headers = await Visitor(public, trust).request("GET")
        assert (status, headers["retry-after"]) == (503, "1")
        status, text, _ = await monitor.request("GET")
        assert status == 503
        assert '"draining"' in text


async def test_half_a_head_does_not_reach_the_server(
    tmp_path: Path, authority: trustme.CA, trust: ssl.SSLContext
) -> None:
    """HAProxy gives up after ten seconds, or a tenth of one; nginx does so after a minute, told or not."""
    proxy = HAProxy(tmp_path, authority)
    hurry = {"http-request 10s": "http-request 100ms"}
    async with serving(Server()) as url, proxy.before(url, changed=hurry) as public:
        async with Visitor(public, trust).stream() as stream:
            await stream.send_all(b"GET / HTTP/1.1\r\nHost: ")
            with trio.fail_after(DEADLINE):
                assert (await stream.receive_some()).startswith(b"HTTP/1.1 408 ")
