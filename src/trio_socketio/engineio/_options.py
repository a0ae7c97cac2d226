"""The options of the Engine.IO layer, checked and with their defaults filled in."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from trio_socketio._core import OutboxPolicy
from trio_socketio.engineio._checks import check_text, check_whole
from trio_socketio.engineio._compression import HttpCompression, PerMessageDeflate
from trio_socketio.engineio._cookie import CookieOptions
from trio_socketio.engineio._cors import Cors
from trio_socketio.engineio._request import EngineRequest

__all__ = [
    "AllowRequest",
    "EngineOptions",
    "GenerateId",
    "Outbox",
    "Policy",
    "ProxyHeader",
    "TransportName",
    "generate_sid",
    "takes_request",
]

TransportName = Literal["polling", "websocket"]
Policy = Literal["disconnect", "block", "drop_oldest", "drop_newest", "latest_per_event"]
ProxyHeader = Literal["x-forwarded-for", "forwarded"]
AllowRequest = Callable[[EngineRequest], Awaitable[None]]
GenerateId = Callable[[], str | Awaitable[str]] | Callable[[EngineRequest], str | Awaitable[str]]


def generate_sid() -> str:
    """Make a session id: 20 characters of ``[A-Za-z0-9_-]``, 120 random bits from the operating system."""
    return secrets.token_urlsafe(15)


def takes_request(generate_id: GenerateId) -> bool:
    """Return whether the function needs the request as an argument."""
    try:
        inspect.signature(generate_id).bind()
    except TypeError:
        return True
    except ValueError:  # a function in C without a signature
        return False
    return False


@dataclass(frozen=True, slots=True)
class Outbox:
    """The limits of each client's outbox, and the policy for a full one.

    Args:
        max_packets: how many messages may be queued or being written. A packet and its attachments are one message.
        max_bytes: how many bytes they may have, as WebSocket frames. An empty outbox accepts one larger message.
        policy: what happens to a message that does not fit into the outbox.

            - ``"disconnect"``: ``await socket.emit`` waits up to ``write_timeout`` seconds, other calls do not wait.
              Then the client is disconnected.
            - ``"block"``: ``await socket.emit`` waits without a limit. Other calls disconnect the client, as above.
            - ``"drop_oldest"``, ``"drop_newest"``: messages are dropped and counted.
            - ``"latest_per_event"``: the new event replaces a queued event of the same name.
    """

    max_packets: int = 1024
    max_bytes: int = 1 << 20
    policy: Policy = "disconnect"

    def __post_init__(self) -> None:
        check_whole("outbox: max_packets", self.max_packets)
        check_whole("outbox: max_bytes", self.max_bytes)
        check_text("outbox: policy", self.policy)
        if self.policy.upper() not in OutboxPolicy.__members__:
            raise ValueError(
                f"policy must be one of {', '.join(OutboxPolicy.__members__).lower()}, not {self.policy!r}"
            )

    @property
    def core_policy(self) -> OutboxPolicy:
        """The policy as a member of the enumeration that the C core uses."""
        return OutboxPolicy[self.policy.upper()]


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineOptions:
    """The options of the Engine.IO layer. Times are in seconds, sizes in bytes.

    ``EngineConfig`` declares these options with their defaults, checks them and makes this object.
    """

    ping_interval: float
    ping_timeout: float
    upgrade_timeout: float
    admission_timeout: float
    polling_close_timeout: float
    max_http_buffer_size: int
    max_fragments: int
    transports: tuple[TransportName, ...]
    allow_upgrades: bool
    generate_id: GenerateId
    outbox: Outbox
    cors: Cors
    allow_eio3: bool
    jsonp: bool
    cookie: CookieOptions | None
    allow_request: AllowRequest | None
    http_compression: HttpCompression | None
    per_message_deflate: PerMessageDeflate | None
    subprotocols: tuple[str, ...] | None
    initial_packet: str | bytes | None
    trusted_proxies: tuple[str, ...]
    proxy_header: ProxyHeader
