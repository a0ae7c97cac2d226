"""What else stands between: clients over TLS, and listeners that count."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import trio
from support.wire import HttpClient

HANDSHAKE = "/socket.io/?EIO=4&transport=polling"


class Counting(trio.abc.Listener[trio.SocketStream]):
    """A listener that counts the connections."""

    def __init__(self, listener: trio.SocketListener) -> None:
        self._listener = listener
        self.count = 0

    async def accept(self) -> trio.SocketStream:
        stream = await self._listener.accept()
        self.count += 1
        return stream

    async def aclose(self) -> None:
        await self._listener.aclose()


@asynccontextmanager
async def tls(url: str, trust: ssl.SSLContext, source: str = "127.0.0.1") -> AsyncIterator[trio.SSLStream]:
    """A connection from this address to the host and port of a URL."""
    host, _, port = url.removeprefix("https://").partition(":")
    tcp = await trio.open_tcp_stream(host, int(port), local_address=source)
    async with trio.SSLStream(tcp, trust, server_hostname=host, https_compatible=True) as stream:
        yield stream


class Visitor:
    """Scripted requests through a proxy, each over a connection of its own, as a browser may send them."""

    def __init__(self, url: str, trust: ssl.SSLContext, source: str = "127.0.0.1") -> None:
        self.url = url
        self._trust = trust
        self._source = source
        self._target = HANDSHAKE

    async def request(self, method: str, body: bytes = b"", **headers: str) -> tuple[int, str, dict[str, str]]:
        """The status, the body and the header fields of the answer; of the session, once there is one."""
        fields = {"Host": self.url.removeprefix("https://")}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with tls(self.url, self._trust, self._source) as stream:
            response = await HttpClient(stream).request(method, self._target, body, fields)
        return response.status, response.text, {name.lower(): value for name, value in response.headers.items()}

    async def open(self, **headers: str) -> None:
        """Open a session, and connect to the main namespace."""
        status, text, _ = await self.request("GET", **headers)
        assert status == 200, text
        self._target += "&sid=" + text.partition('"sid":"')[2].partition('"')[0]
        assert (await self.request("POST", b"40"))[:2] == (200, "ok")
        assert (await self.request("GET"))[1].startswith("40{")


@contextmanager
def reserved_url() -> Iterator[str]:
    """A URL on the loopback interface where nobody listens, that nobody else gets, and that servers may take."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield "http://{}:{}".format(*holder.getsockname())
