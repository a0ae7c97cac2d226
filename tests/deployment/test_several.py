"""Several servers behind one proxy, as the page about deployment says."""

from __future__ import annotations

import re
import ssl

import pytest
import trustme
from clients.combinations import TRANSPORTS, Combination
from clients.harness import Node
from clients.server import connections, echoes, serving

from deployment.links import Visitor
from deployment.proxies import Proxy
from tools import ROOT
from trio_socketio import Server

pytestmark = [pytest.mark.clients, pytest.mark.slow]

PAGE = (ROOT / "docs" / "deployment.md").read_text("utf-8")


@pytest.fixture
def several(proxy: Proxy) -> dict[str, str]:
    """The change of the configuration that makes the proxy know two servers."""
    block, *_ = re.findall(rf"^```{proxy.name}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return {proxy.single: block}


async def test_a_session_stays_with_its_server(
    proxy: Proxy, trust: ssl.SSLContext, several: dict[str, str]
) -> None:
    """Each address has its server, and each server some of the addresses."""
    one, two = Server(health_path="/healthz"), Server(health_path="/healthz")
    async with serving(one) as first, serving(two) as second:
        async with proxy.before(first, second, changed=several) as public:
            for number in range(2, 22):
                await Visitor(public, trust, f"127.0.0.{number}").open()
        assert one.sockets
        assert two.sockets
        assert len(one.sockets) + len(two.sockets) == 20


@pytest.mark.parametrize("combination", [Combination("4", transport) for transport in TRANSPORTS], ids=str)
async def test_a_server_that_drains_gives_its_clients_to_the_other(
    proxy: Proxy, node: Node, authority: trustme.CA, several: dict[str, str], combination: Combination
) -> None:
    servers = {}
    for _ in range(2):
        io = Server(health_path="/healthz")
        echoes(io)
        servers[io] = connections(io)
    one, two = servers
    client = node.client(combination)
    again = {"reconnection": True, "reconnectionDelay": 20, "reconnectionDelayMax": 20}
    async with serving(one) as first, serving(two) as second:
        async with proxy.before(first, second, changed=several) as public:
            await client.connect(public, ca=authority.cert_pem.bytes().decode(), **again)
            drained, other = (one, two) if one.sockets else (two, one)
            await drained.drain()
            await client.event("disconnect")
            await servers[other].get()
            await client.event("connect")
            assert await client.call("echo", "again") == ["again"]
            assert proxy.name == "haproxy" or not client.pending("connect_error")


def test_the_page_names_what_else_may_be_changed(proxy: Proxy) -> None:
    for line in proxy.appending.values():
        assert line in PAGE
