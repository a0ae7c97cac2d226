"""An HTTP reactor over an engine without a server, and connections to it."""

from __future__ import annotations

import logging
import os

import trio
from trio.testing import wait_all_tasks_blocked

from support.engine import PATH, Bench
from support.handlers import burn
from support.http import LIMITS
from support.links import SocketLink
from support.raw import request
from trio_socketio.engineio import EngineRequest, Headers
from trio_socketio.net import Files
from trio_socketio.net._http1 import Http1Connection
from trio_socketio.net._http_reactor import HttpReactor
from trio_socketio.net._http_timeouts import HttpTimeouts
from trio_socketio.net._rest import HttpShared, Rest
from trio_socketio.net._serialiser import Serialiser
from trio_socketio.net._service import EngineService
from trio_socketio.net._site import Site
from trio_socketio.net._taskless import TasklessConnection
from trio_socketio.net._upgrades import Upgrades

__all__ = ["OPENING", "HttpReactorBench", "post"]

#: The target of a request that opens a session.
OPENING = f"{PATH}?EIO=4&transport=polling"


class HttpReactorBench:
    """An HTTP reactor, and connections to it."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.bench = Bench(http_compression=False)
        logger = logging.getLogger("test.http")
        self.service = EngineService(self.bench.engine, logger)
        self.timeouts = HttpTimeouts(LIMITS)
        site = Site((PATH,), Files(PATH, None, {}), None, self.service.health)
        upgrades = Upgrades(self.service, site, None, 1.0)
        reactor = HttpReactor.make(HttpShared(self.service, site, self.timeouts, upgrades), logger)
        assert reactor is not None
        self.reactor = reactor
        self.link = SocketLink()
        self.done: list[TasklessConnection] = []
        self.scope = trio.CancelScope()
        for task in (self._run, self.service.polls.run, self.timeouts.run):
            nursery.start_soon(task)

    async def _run(self) -> None:
        with self.scope:
            await self.reactor.run()

    async def aclose(self) -> None:
        """Close all sockets."""
        self.link.close()
        for connection in self.done:
            if connection.rest is not None:
                await connection.rest.http.stream.aclose()

    def connect(self, *, narrow: bool = False) -> trio.SocketStream:
        theirs, ours = self.link.narrow() if narrow else self.link.pair()
        self.reactor.begin(self.http(ours), self.done.append)
        return theirs

    def connect_and_open(self, number: int) -> trio.SocketStream:
        """Connect, and send a request that opens a session, with this number as its parameter ``t``."""
        stream = self.connect()
        os.write(stream.socket.fileno(), request(f"{OPENING}&t={number}"))
        return stream

    def http(self, stream: trio.SocketStream) -> Http1Connection:
        return Http1Connection(stream, self.timeouts, Serialiser(LIMITS.keep_alive_timeout))

    async def answer(self, stream: trio.SocketStream, data: bytes) -> bytes:
        """Send bytes, and return what the reactor answers to them; no bytes if it does not."""
        await stream.send_all(data)
        await wait_all_tasks_blocked()
        try:
            return os.read(stream.socket.fileno(), 65536)
        except BlockingIOError:
            return b""

    async def open_session(self, stream: trio.SocketStream) -> str:
        """Open a session, and return the target of its requests."""
        answer = await self.answer(stream, request(OPENING))
        return f"{OPENING}&sid={answer.partition(b'sid')[2][3:23].decode()}"

    def slow_requests(self) -> list[str]:
        """Make each request take a millisecond.

        Returns:
            A list to which each request is appended: its parameter ``t`` if it opens a session, else "kept".
        """
        order: list[str] = []

        def respond(headers: Headers, request: EngineRequest) -> None:
            burn(0.001)
            order.append("kept" if request.sid else request.query.get("t", ""))

        self.bench.engine.hooks.headers.append(respond)
        return order

    @property
    def rest(self) -> Rest:
        """What is left of the only connection."""
        (connection,) = self.done
        assert connection.rest is not None
        assert self.reactor.connections == {}
        return connection.rest


def post(target: str, body: bytes, *fields: str) -> bytes:
    return request(target, f"Content-Length: {len(body)}", *fields, method="POST", body=body)
