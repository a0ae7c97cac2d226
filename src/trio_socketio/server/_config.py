"""The options of a server: one place for every default and its reason."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypedDict

from trio_socketio.engineio import EngineOptions, Outbox, TransportName, generate_sid
from trio_socketio.net import DriverChoice, HttpLimits
from trio_socketio.socketio import ConnectionOptions

__all__ = ["Config", "Ordering", "ServerOptions"]

Ordering = Literal["serial", "concurrent"]


class ServerOptions(TypedDict, total=False):
    """Keyword arguments of ``Server``; ``Config`` has the defaults and what they protect."""

    path: str
    transports: Sequence[TransportName]
    driver: DriverChoice
    allow_upgrades: bool
    ping_interval: float
    ping_timeout: float
    upgrade_timeout: float
    connect_timeout: float
    attachment_timeout: float
    write_timeout: float
    disconnect_timeout: float
    polling_close_timeout: float
    header_timeout: float
    request_timeout: float
    keep_alive_timeout: float
    max_http_buffer_size: int
    max_header_bytes: int
    max_payload_packets: int
    max_fragments: int
    max_attachments: int
    outbox: Outbox
    inbox_events: int
    inbox_bytes: int
    ordering: Ordering
    cors: str | Sequence[str]
    generate_id: Callable[[], str]
    serve_client: str | PathLike[str] | None
    static_files: Mapping[str, str | PathLike[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """The options of one server. Times are seconds, sizes bytes; Node's defaults where Node has the option."""

    #: Where the engine is found; nothing but this path reaches it.
    path: str = "/socket.io/"
    transports: Sequence[TransportName] = ("polling", "websocket")
    #: ``"auto"``: WebSockets over plain sockets are served by the reactor, where there is one (Linux); ``"stream"``:
    #: each by tasks of its own, as those over TLS and other streams.
    driver: DriverChoice = "auto"
    allow_upgrades: bool = True
    #: Between the answer to one ping and the next ping.
    ping_interval: float = 25.0
    #: How long an answer may take.
    ping_timeout: float = 20.0
    #: How long a WebSocket may take to become a session's transport.
    upgrade_timeout: float = 10.0
    #: How long a client may stay without a namespace, and a connection handler may hold events back.
    connect_timeout: float = 45.0
    #: How long the attachments of a packet may take.
    attachment_timeout: float = 10.0
    #: How long ``await socket.emit`` waits for room before the client is given up.
    write_timeout: float = 20.0
    #: What disconnect handlers and the last flush have together.
    disconnect_timeout: float = 5.0
    #: How long a closed session's last packets are kept for a poll.
    polling_close_timeout: float = 30.0
    #: How long the head of a request may take, however steadily it drips.
    header_timeout: float = 10.0
    #: How long the body may take.
    request_timeout: float = 30.0
    #: How long a connection may wait for its next request; above the 60 s of common proxies.
    keep_alive_timeout: float = 65.0
    #: The largest message and POST body, and all attachments of a packet together.
    max_http_buffer_size: int = 1_000_000
    #: The largest head of a request; Node allows the same 16 KiB.
    max_header_bytes: int = 16_384
    #: Packets in one POST.
    max_payload_packets: int = 1024
    #: Frames of one WebSocket message.
    max_fragments: int = 4096
    #: Attachments of one packet; Node's parser has the same limit since CVE-2026-33151.
    max_attachments: int = 10
    outbox: Outbox = field(default_factory=Outbox)
    #: Events and bytes that wait for a socket's handlers before its connection is not read any more.
    inbox_events: int = 256
    inbox_bytes: int = 262_144
    ordering: Ordering = "serial"
    #: Origins that browsers may come from besides the server's own; ``"*"`` for all.
    cors: str | Sequence[str] = ()
    generate_id: Callable[[], str] = generate_sid
    #: The ``dist`` folder of the npm package socket.io-client, to be served below ``path``.
    serve_client: str | PathLike[str] | None = None
    #: Request paths to files or folders, read once at the start.
    static_files: Mapping[str, str | PathLike[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in _SECONDS:
            seconds = getattr(self, name)
            if not 0 < seconds < math.inf:
                raise ValueError(f"{name} must be a positive number of seconds, not {seconds!r}")
        for name in ("max_header_bytes", "max_attachments", "inbox_events", "inbox_bytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)!r}")
        if not (self.path.startswith("/") and self.path.endswith("/")):
            raise ValueError(f"path must begin and end with a slash, not {self.path!r}")
        if self.driver not in ("auto", "stream"):
            raise ValueError(f"driver must be 'auto' or 'stream', not {self.driver!r}")
        if self.ordering not in ("serial", "concurrent"):
            raise ValueError(f"ordering must be 'serial' or 'concurrent', not {self.ordering!r}")
        self.engine()  # checks the rest

    @classmethod
    def make(cls, options: Mapping[str, Any]) -> Config:
        """Check the options.

        Raises:
            TypeError: there is no such option; the nearest one is named.
            ValueError: a value is out of range.
        """
        known = [item.name for item in fields(cls)]
        for name in options:
            if name not in known:
                nearest = difflib.get_close_matches(name, known, 1, 0.0)[0]
                raise TypeError(f"Server has no option {name!r}; did you mean {nearest!r}?")
        return cls(**options)

    def engine(self) -> EngineOptions:
        """What the engine is told."""
        cors = (self.cors,) if isinstance(self.cors, str) else tuple(self.cors)
        return EngineOptions(
            ping_interval=self.ping_interval,
            ping_timeout=self.ping_timeout,
            upgrade_timeout=self.upgrade_timeout,
            polling_close_timeout=self.polling_close_timeout,
            max_http_buffer_size=self.max_http_buffer_size,
            max_payload_packets=self.max_payload_packets,
            max_fragments=self.max_fragments,
            transports=tuple(self.transports),
            allow_upgrades=self.allow_upgrades,
            generate_id=self.generate_id,
            outbox=self.outbox,
            cors=cors,
        )

    def http(self) -> HttpLimits:
        """What the HTTP connections are told."""
        return HttpLimits(
            self.header_timeout, self.request_timeout, self.keep_alive_timeout, self.max_header_bytes
        )

    def connection(self) -> ConnectionOptions:
        """What the Socket.IO connections are told."""
        return ConnectionOptions(
            self.connect_timeout, self.attachment_timeout, self.max_attachments, self.max_http_buffer_size
        )

    def client_folder(self) -> Path | None:
        """The client bundle's folder."""
        return None if self.serve_client is None else Path(self.serve_client)


_SECONDS = tuple(item.name for item in fields(Config) if item.name.endswith(("_timeout", "_interval")))
