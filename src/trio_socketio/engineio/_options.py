"""What an Engine.IO server can be told, with every default's reason."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from trio_socketio._core import OutboxPolicy

__all__ = ["EngineOptions", "Outbox", "Policy", "TransportName", "generate_sid"]

TransportName = Literal["polling", "websocket"]
Policy = Literal["disconnect", "block", "drop_oldest", "drop_newest", "latest_per_event"]


def generate_sid() -> str:
    """A session id: 20 characters of ``[A-Za-z0-9_-]``, 120 random bits from the operating system."""
    return secrets.token_urlsafe(15)


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
        if self.max_packets < 1 or self.max_bytes < 1:
            raise ValueError(f"an outbox holds at least one packet and one byte, not {self}")
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
    max_payload_packets: int = 1024
    max_fragments: int = 4096
    transports: tuple[TransportName, ...] = ("polling", "websocket")
    allow_upgrades: bool = True
    generate_id: Callable[[], str] = generate_sid
    outbox: Outbox = field(default_factory=Outbox)
    cors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("ping_interval", "ping_timeout", "upgrade_timeout", "polling_close_timeout"):
            seconds = getattr(self, name)
            if not 0 < seconds < math.inf:
                raise ValueError(f"{name} must be a positive number of seconds, not {seconds!r}")
        for name in ("max_http_buffer_size", "max_payload_packets", "max_fragments"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)!r}")
        unknown = [name for name in self.transports if name not in ("polling", "websocket")]
        if unknown or not self.transports:
            raise ValueError(f"transports are 'polling' and 'websocket', not {self.transports!r}")
