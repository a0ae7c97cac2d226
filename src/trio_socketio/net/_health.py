"""Whether a server takes new clients: what monitors and load balancers ask."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import Enum, auto
from typing import Literal

from trio_socketio.engineio import EngineResponse

__all__ = ["Health", "HostState", "health_response"]


class HostState(Enum):
    """Which requests a host still answers. It only moves forward."""

    RUNNING = auto()  #: all of them
    DRAINING = auto()  #: those of the sessions there are
    STOPPING = auto()  #: none; connections end when their response is written

    @property
    def status(self) -> Literal["ok", "draining", "stopping"]:
        """What monitors are told."""
        if self is HostState.RUNNING:
            return "ok"
        return "draining" if self is HostState.DRAINING else "stopping"


@dataclass(frozen=True, slots=True)
class Health:
    """How a server is.

    Attributes:
        status: ``"draining"`` and ``"stopping"`` take no new clients.
        clients_count: how many sessions there are.
        uptime: for how long it has run, in seconds.
    """

    status: Literal["ok", "draining", "stopping"]
    clients_count: int
    uptime: float


def health_response(method: str, health: Health) -> EngineResponse:
    """The answer to a monitor: 503 sends new clients elsewhere."""
    if method not in ("GET", "HEAD"):
        return EngineResponse(405, [("Allow", "GET, HEAD"), ("Content-Length", "0")], close=True)
    body = json.dumps(asdict(health)).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    ]
    return EngineResponse(200 if health.status == "ok" else 503, headers, body)
