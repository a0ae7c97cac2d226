"""HTTP requests to an engine over a stream in memory, for tests of single modules."""

from __future__ import annotations

import logging
from typing import Any

import trio
from trio.testing import memory_stream_pair

from support.engine import Bench
from trio_socketio.net import HttpLimits
from trio_socketio.net._exchange import Exchange
from trio_socketio.net._http1 import Http1Connection
from trio_socketio.net._http_timeouts import HttpTimeouts
from trio_socketio.net._serialiser import Serialiser
from trio_socketio.net._service import EngineService

LIMITS = HttpLimits(
    header_timeout=10.0, request_timeout=20.0, keep_alive_timeout=65.0, max_header_bytes=16384
)

Client = trio.StapledStream[trio.abc.SendStream, trio.abc.ReceiveStream]


class HttpBench:
    """An engine, and connections to it.

    Attributes:
        bench: the engine and the calls of its sessions.
        service: what the requests to the engine share.
    """

    def __init__(self, **options: Any) -> None:
        self.bench = Bench(**options)
        self.service = EngineService(self.bench.engine, logging.getLogger("test.http"))

    async def begin(self, data: bytes) -> tuple[Exchange, Client]:
        """Return the exchange of the first request in these bytes, and the client's end of its connection."""
        ours, theirs = memory_stream_pair()
        http = Http1Connection(ours, HttpTimeouts(LIMITS), Serialiser(LIMITS.keep_alive_timeout))
        http.scope = trio.CancelScope()
        await theirs.send_all(data)
        request = await http.first_request()
        assert request is not None
        return Exchange(request, http, self.service), theirs
