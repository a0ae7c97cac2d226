"""What an Engine.IO server can be told, with every default's reason."""

from __future__ import annotations

import inspect
import ipaddress
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from trio_socketio._core import OutboxPolicy
from trio_socketio.engineio._checks import check_flag, check_heartbeat, check_seconds, check_text, check_whole
from trio_socketio.engineio._compression import HttpCompression, PerMessageDeflate
from trio_socketio.engineio._cookie import CookieOptions
from trio_socketio.engineio._cors import Cors
from trio_socketio.engineio._request import EngineRequest
from trio_socketio.engineio._tokens import is_token

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


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """The options of the Engine.IO layer; ``trio_socketio.Server`` documents them. Times are seconds."""

    ping_interval: float = 25.0
    ping_timeout: float = 20.0
    upgrade_timeout: float = 10.0
    polling_close_timeout: float = 30.0
    max_http_buffer_size: int = 1_000_000
    max_fragments: int = 4096
    transports: tuple[TransportName, ...] = ("polling", "websocket")
    allow_upgrades: bool = True
    generate_id: GenerateId = generate_sid
    outbox: Outbox = field(default_factory=Outbox)
    cors: Cors = field(default_factory=Cors)
    admission_timeout: float = 45.0
    allow_eio3: bool = False
    jsonp: bool = False
    cookie: CookieOptions | None = None
    allow_request: AllowRequest | None = None
    http_compression: HttpCompression | None = field(default_factory=HttpCompression)
    per_message_deflate: PerMessageDeflate | None = None
    subprotocols: tuple[str, ...] | None = None
    initial_packet: str | bytes | None = None
    trusted_proxies: tuple[str, ...] = ()
    proxy_header: ProxyHeader = "x-forwarded-for"

    def __post_init__(self) -> None:
        for name in ("ping_interval", "ping_timeout"):
            check_heartbeat(name, getattr(self, name))
        for name in ("upgrade_timeout", "polling_close_timeout", "admission_timeout"):
            check_seconds(name, getattr(self, name))
        for name in ("max_http_buffer_size", "max_fragments"):
            check_whole(name, getattr(self, name))
        for name in ("allow_upgrades", "allow_eio3", "jsonp"):
            check_flag(name, getattr(self, name))
        if not isinstance(self.outbox, Outbox):
            raise TypeError(f"outbox must be Outbox(...), not {self.outbox!r}")
        unknown = [name for name in self.transports if name not in ("polling", "websocket")]
        if unknown or not self.transports:
            raise ValueError(f"transports are 'polling' and 'websocket', not {self.transports!r}")
        for name in ("generate_id", "allow_request"):
            function = getattr(self, name)
            if function is not None and not callable(function):
                raise TypeError(f"{name} must be a function, not {function!r}")
        for subprotocol in self.subprotocols or ():
            if not is_token(subprotocol):
                raise ValueError(f"subprotocols are tokens of RFC 9110, unlike {subprotocol!r}")
        _check_initial_packet(self.initial_packet)
        for network in self.trusted_proxies:
            _check_network(network)
        if self.proxy_header not in ("x-forwarded-for", "forwarded"):
            raise ValueError(
                f"proxy_header must be 'x-forwarded-for' or 'forwarded', not {self.proxy_header!r}"
            )


def _check_initial_packet(packet: str | bytes | None) -> None:
    if packet is not None and not isinstance(packet, str | bytes):
        raise TypeError(f"initial_packet must be a text or bytes, not {packet!r}")
    if isinstance(packet, str) and "\x1e" in packet:
        raise ValueError("initial_packet must not hold U+001E, which separates packets")
    if isinstance(packet, str) and any("\ud800" <= character <= "\udfff" for character in packet):
        raise ValueError("initial_packet must not hold a lone surrogate, which UTF-8 cannot encode")


def _check_network(network: str) -> None:
    if network == "unix":
        return
    try:
        ipaddress.ip_network(network)
    except ValueError as error:
        raise ValueError(f"trusted_proxies are 'unix' and networks like '10.0.0.0/8': {error}") from None
