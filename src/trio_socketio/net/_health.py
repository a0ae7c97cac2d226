"""Answers health checks: monitors and load balancers ask whether a server accepts new clients."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import Enum, auto
from typing import Literal

from trio_socketio._adapter_health import AdapterHealth
from trio_socketio.engineio import EngineResponse

__all__ = ["Health", "HostState", "health_response"]


class HostState(Enum):
    """Which requests a host still answers. The state only moves forward."""

    RUNNING = auto()  #: all requests
    DRAINING = auto()  #: only requests of existing sessions
    STOPPING = auto()  #: none; a connection ends when its current response is written

    @property
    def status(self) -> Literal["ok", "draining", "stopping"]:
        """The state as health checks report it."""
        if self is HostState.RUNNING:
            return "ok"
        return "draining" if self is HostState.DRAINING else "stopping"


@dataclass(frozen=True, slots=True)
class Health:
    """The state of a server at one moment.

    Attributes:
        status: ``"ok"`` if the server accepts new clients; ``"draining"`` and ``"stopping"`` do not.
        clients_count: the number of sessions.
        uptime: for how long the server has run, in seconds.
        adapter: the link to the other servers of the cluster; None if there is no cluster. It does not change the
            status: an outage of the bus must not take all servers out of a load balancer.
    """

    status: Literal["ok", "draining", "stopping"]
    clients_count: int
    uptime: float
    adapter: AdapterHealth | None = None


def health_response(method: str, health: Health) -> EngineResponse:
    """Return the answer to a health check: 200, or 503, on which load balancers send new clients elsewhere."""
    if method not in ("GET", "HEAD"):
        return EngineResponse(405, [("Allow", "GET, HEAD"), ("Content-Length", "0")], close=True)
    members = asdict(health)
    if health.adapter is None:
        del members["adapter"]
    body = json.dumps(members).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    ]
    return EngineResponse(200 if health.status == "ok" else 503, headers, body)
