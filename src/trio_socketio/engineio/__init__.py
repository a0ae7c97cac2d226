"""Engine.IO revision 4 without I/O: packets, sessions, polling, the upgrade.

Bytes, packets and times come in as values; what is to be sent waits in each session's ``conn``.
"""

from trio_socketio.engineio._engine import Engine
from trio_socketio.engineio._options import (
    EngineOptions,
    Outbox,
    Policy,
    TransportName,
    generate_sid,
)
from trio_socketio.engineio._polling import BAD_REQUEST, POST_TOO_LARGE, PollingTransport
from trio_socketio.engineio._request import EngineRequest, EngineResponse, Refusal, is_same_origin
from trio_socketio.engineio._seam import Receiver, SessionObserver, Transport
from trio_socketio.engineio._session import TRANSITIONS, Event, Session, State
from trio_socketio.engineio._upgrade import PROBE_TRANSITIONS, Candidate, Probe, Surplus, WebSocketTransport

__all__ = [
    "BAD_REQUEST",
    "POST_TOO_LARGE",
    "PROBE_TRANSITIONS",
    "TRANSITIONS",
    "Candidate",
    "Engine",
    "EngineOptions",
    "EngineRequest",
    "EngineResponse",
    "Event",
    "Outbox",
    "Policy",
    "PollingTransport",
    "Probe",
    "Receiver",
    "Refusal",
    "Session",
    "SessionObserver",
    "State",
    "Surplus",
    "Transport",
    "TransportName",
    "WebSocketTransport",
    "generate_sid",
    "is_same_origin",
]
