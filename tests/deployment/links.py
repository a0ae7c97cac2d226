"""What else stands between: clients over TLS, and listeners that count."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import trio
from support.wire import HttpClient

HANDSHAKE = "/socket.io/?EIO=4&transport=polling"

#: A false address that a client sends, and that the server must ignore.
INVENTED = {
    "X-Forwarded-For": "192.0.2.66",
    "X-Forwarded-Proto": "http",
    "Forwarded": "for=192.0.2.66;proto=http",
}


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


class Visitor:
    """Scripted requests to a URL, each over a connection of its own, as a browser may send them through a proxy.

    Args:
        url: of the server or the proxy.
        trust: the authority that TLS trusts.
        source: the address from where.
        target: what to ask for.

    Attributes:
        host: the host and the port of the URL.
    """

    def __init__(
        self,
        url: str,
        trust: ssl.SSLContext | None = None,
        source: str = "127.0.0.1",
        target: str = HANDSHAKE,
    ) -> None:
        self.host = url.rpartition("/")[2]
        self._trust = trust
        self._source = source
        self._target = target

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[trio.abc.Stream]:
        """A new connection."""
        host, port = self.host.split(":")
        tcp = await trio.open_tcp_stream(host, int(port), local_address=self._source)
        tls = self._trust and trio.SSLStream(tcp, self._trust, server_hostname=host, https_compatible=True)
        async with tls or tcp as stream:
            yield stream

    async def request(
        self, method: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, str, dict[str, str]]:
        """The status, the body and the header fields of the answer; of the session, once there is one."""
        fields = {"Host": self.host, **(headers or {})}
        async with self.stream() as stream:
            response = await HttpClient(stream).request(method, self._target, body, fields)
        return (
            response.status,
            response.text,
            {name.lower(): value for name, value in response.headers.items()},
        )

    async def open(self, headers: Mapping[str, str] | None = None) -> None:
        """Open a session, and connect to the main namespace."""
        status, text, _ = await self.request("GET", headers=headers)
        assert status == 200, text
        self._target += "&sid=" + text.partition('"sid":"')[2].partition('"')[0]
        assert (await self.request("POST", b"40"))[:2] == (200, "ok")
        assert (await self.request("GET"))[1].startswith("40{")


@contextmanager
def reserved_url() -> Iterator[str]:
    """A URL on the loopback interface with a free port, which is reserved for the servers of the test."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield "http://{}:{}".format(*holder.getsockname())
