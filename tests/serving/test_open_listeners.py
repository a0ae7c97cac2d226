"""Opening the listeners of a server."""

from __future__ import annotations

import socket as sockets
from typing import Any

import pytest
import trio
from support.wire import HttpClient

from trio_socketio import Server


@pytest.mark.rows("A2")
async def test_serve_starts_with_listeners_on_a_free_port(nursery: trio.Nursery) -> None:
    io = Server()
    listeners = await nursery.start(io.serve, "127.0.0.1", 0)
    port = listeners[0].socket.getsockname()[1]
    assert port > 0
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        http = HttpClient(stream)
        assert (await http.request("GET", "/elsewhere")).status == 404
        assert (await http.request("GET", "/socket.io/?EIO=4&transport=polling")).text[0] == "0"
    nursery.cancel_scope.cancel()


class SlowResolver(trio.abc.HostnameResolver):
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked, self.go_on = trio.Event(), trio.Event()

    async def getaddrinfo(self, *args: Any, **kwargs: Any) -> Any:
        self.asked.set()
        await self.go_on.wait()
        return [(sockets.AF_INET, sockets.SOCK_STREAM, 0, "", ("127.0.0.1", 0))]

    async def getnameinfo(self, *args: Any) -> Any:
        pytest.fail("serving asks for no names")


async def test_stop_while_listeners_are_opened(nursery: trio.Nursery) -> None:
    io = Server()
    resolver = SlowResolver()
    trio.socket.set_custom_hostname_resolver(resolver)
    ended = trio.Event()

    async def serve() -> None:
        await io.serve("slow.example", 0)
        ended.set()

    async with io:
        nursery.start_soon(serve)
        await resolver.asked.wait()
    resolver.go_on.set()
    with trio.fail_after(5):
        await ended.wait()
