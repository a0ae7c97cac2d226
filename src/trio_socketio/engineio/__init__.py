"""Engine.IO, revisions 4 and 3, without I/O: packets, sessions, polling and the upgrade.

Drivers pass in bytes, packets and times. They take the output from the ``link`` of each session.
"""

from trio_socketio.engineio._checks import (
    check_flag,
    check_heartbeat,
    check_list,
    check_seconds,
    check_text,
    check_whole,
)
from trio_socketio.engineio._compression import HttpCompression, PerMessageDeflate
from trio_socketio.engineio._cookie import CookieOptions
from trio_socketio.engineio._cors import Cors
from trio_socketio.engineio._engine import Engine
from trio_socketio.engineio._hooks import ConnectionErrorHook, EngineHooks, HeadersHook, Middleware
from trio_socketio.engineio._liveness import Delivery
from trio_socketio.engineio._options import (
    AllowRequest,
    EngineOptions,
    GenerateId,
    Outbox,
    Policy,
    ProxyHeader,
    TransportName,
    generate_sid,
)
from trio_socketio.engineio._packet import Packet, PacketType, parse_packet
from trio_socketio.engineio._polling import PollingTransport
from trio_socketio.engineio._polling_responses import BAD_REQUEST, POST_TOO_LARGE
from trio_socketio.engineio._proxies import Proxies
from trio_socketio.engineio._request import (
    EngineRequest,
    EngineResponse,
    Headers,
    Refusal,
    RefusedError,
    is_same_origin,
)
from trio_socketio.engineio._seam import Receiver, SessionObserver, Transport
from trio_socketio.engineio._session import Session
from trio_socketio.engineio._states import TRANSITIONS, Event, State
from trio_socketio.engineio._tokens import is_field_value, is_token
from trio_socketio.engineio._upgrade import (
    PROBE_TRANSITIONS,
    Candidate,
    Probe,
    RejectedWebSocket,
    WebSocketTransport,
)

__all__ = [
    "BAD_REQUEST",
    "POST_TOO_LARGE",
    "PROBE_TRANSITIONS",
    "TRANSITIONS",
    "AllowRequest",
    "Candidate",
    "ConnectionErrorHook",
    "CookieOptions",
    "Cors",
    "Delivery",
    "Engine",
    "EngineHooks",
    "EngineOptions",
    "EngineRequest",
    "EngineResponse",
    "Event",
    "GenerateId",
    "Headers",
    "HeadersHook",
    "HttpCompression",
    "Middleware",
    "Outbox",
    "Packet",
    "PacketType",
    "PerMessageDeflate",
    "Policy",
    "PollingTransport",
    "Probe",
    "Proxies",
    "ProxyHeader",
    "Receiver",
    "Refusal",
    "RejectedWebSocket",
    "RefusedError",
    "Session",
    "SessionObserver",
    "State",
    "Transport",
    "TransportName",
    "WebSocketTransport",
    "check_flag",
    "check_heartbeat",
    "check_list",
    "check_seconds",
    "check_text",
    "check_whole",
    "generate_sid",
    "is_field_value",
    "is_same_origin",
    "is_token",
    "parse_packet",
]
