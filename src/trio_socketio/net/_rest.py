"""What connections without a task share, and what one of them leaves to a task."""

from __future__ import annotations

from dataclasses import dataclass

import h11

from trio_socketio._core import PayloadReader
from trio_socketio.engineio import EngineRequest, PollingTransport
from trio_socketio.net._http1 import Http1Connection
from trio_socketio.net._http_timeouts import HttpTimeouts
from trio_socketio.net._service import EngineService
from trio_socketio.net._site import Site
from trio_socketio.net._upgrades import Upgrades

__all__ = ["HttpShared", "Rest"]


@dataclass(frozen=True, slots=True)
class HttpShared:
    """What the connections of a server share."""

    service: EngineService
    site: Site
    timeouts: HttpTimeouts
    upgrades: Upgrades


@dataclass(slots=True, kw_only=True)
class Rest:
    """What a task has to do with a connection that needs one."""

    http: Http1Connection
    request: EngineRequest | None = None  #: the current request
    post: tuple[PollingTransport, PayloadReader] | None = (
        None  #: the request is a POST; these packets are left
    )
    error: h11.RemoteProtocolError | None = None  #: the request is malformed
    begins_next: bool = False  #: the response is written, and the next request has begun to arrive
    is_over: bool = False  #: the last response is written
