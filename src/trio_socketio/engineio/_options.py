"""The options of the Engine.IO layer, as it uses them."""

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
    """A session id: 20 characters of ``[A-Za-z0-9_-]``, 120 random bits from the operating system."""
    return secrets.token_urlsafe(15)


def takes_request(generate_id: GenerateId) -> bool:
    """Whether it cannot be called without an argument."""
    try:
        inspect.signature(generate_id).bind()
    except TypeError:
        return True
    except ValueError:  # a function in C that does not say
        return False
    return False


@dataclass(frozen=True, slots=True)
class Outbox:
    """How much may wait for one client, and what happens beyond it.

    Args:
        max_packets: messages queued or being written; a header and its attachments are one.
        max_bytes: their bytes, as WebSocket frames. One larger message is accepted by an empty outbox.
        policy: what a full outbox does with the next message.

            - ``"disconnect"``: ``await socket.emit`` waits for ``write_timeout`` seconds, all else
              does not wait; then the client is disconnected.
            - ``"block"``: ``await socket.emit`` waits as long as its caller does; all else as above.
            - ``"drop_oldest"``, ``"drop_newest"``: messages are dropped and counted.
            - ``"latest_per_event"``: a queued event of the same name gives way to the new one.
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
        """The policy's number in C."""
        return OutboxPolicy[self.policy.upper()]


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineOptions:
    """The options of the Engine.IO layer. Times are seconds, sizes bytes.

    ``EngineConfig`` declares them, with their defaults and checks, and makes this.
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
