"""The options of a server: one place for every default and its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from trio_socketio.engineio import (
    AllowRequest,
    CookieOptions,
    Cors,
    EngineOptions,
    GenerateId,
    HttpCompression,
    Outbox,
    PerMessageDeflate,
    ProxyHeader,
    TransportName,
    check_flag,
    check_list,
    check_seconds,
    check_text,
    check_whole,
    generate_sid,
)
from trio_socketio.net import DriverChoice, HttpLimits
from trio_socketio.server._option_names import check_names
from trio_socketio.socketio import ConnectionOptions

if TYPE_CHECKING:
    from trio_socketio.server._engine_server import EngineServer

__all__ = ["Config", "EngineServerOptions", "Ordering", "ServerOptions"]

Ordering = Literal["serial", "concurrent"]


class EngineServerOptions(TypedDict, total=False):
    """Keyword arguments of ``EngineServer``; ``Config`` has the defaults, but for ``path``, and what they protect."""

    path: str
    transports: Sequence[TransportName]
    driver: DriverChoice
    allow_upgrades: bool
    ping_interval: float
    ping_timeout: float
    upgrade_timeout: float
    connect_timeout: float
    hold_timeout: float
    admission_timeout: float
    write_timeout: float
    disconnect_timeout: float
    polling_close_timeout: float
    header_timeout: float
    request_timeout: float
    keep_alive_timeout: float
    max_http_buffer_size: int
    max_header_bytes: int
    max_fragments: int
    outbox: Outbox
    inbox_events: int
    inbox_bytes: int
    cors: str | Sequence[str] | Cors
    cookie: bool | str | CookieOptions | None
    allow_request: AllowRequest | None
    generate_id: GenerateId
    allow_eio3: bool
    jsonp: bool
    http_compression: bool | HttpCompression
    per_message_deflate: bool | PerMessageDeflate
    subprotocols: Sequence[str] | None
    initial_packet: str | bytes | None
    add_trailing_slash: bool
    trusted_proxies: Sequence[str]
    proxy_header: ProxyHeader
    health_path: str | None
    static_files: Mapping[str, str | PathLike[str]]


class ServerOptions(EngineServerOptions, total=False):
    """Keyword arguments of ``Server``; ``Config`` has the defaults and what they protect."""

    attachment_timeout: float
    max_attachments: int
    ordering: Ordering
    serve_client: str | PathLike[str] | None
    engine: EngineServer | None


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
    #: How long a client may be connected without a namespace, at the beginning and after it has left the last one.
    connect_timeout: float = 45.0
    #: How long events are held while connection handlers run.
    hold_timeout: float = 45.0
    #: How long the functions of the application that admit a request may take together.
    admission_timeout: float = 45.0
    #: How long the attachments of a packet may take.
    attachment_timeout: float = 10.0
    #: How long ``await socket.emit`` waits for room before the client is given up.
    write_timeout: float = 20.0
    #: What disconnect handlers and the last flush have together, and how long a client that rejoins waits for them.
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
    #: Frames of one WebSocket message.
    max_fragments: int = 4096
    #: Attachments of one packet; Node's parser has the same limit since CVE-2026-33151.
    max_attachments: int = 10
    outbox: Outbox = field(default_factory=Outbox)
    #: Events and bytes that wait for a socket's handlers before its connection is not read any more.
    inbox_events: int = 256
    inbox_bytes: int = 262_144
    ordering: Ordering = "serial"
    #: Origins that browsers may come from besides the server's own; ``"*"`` for all. ``Cors`` says more about them.
    cors: str | Sequence[str] | Cors = ()
    #: A cookie with the session id for load balancers; True for one named ``io``, or another name.
    cookie: bool | str | CookieOptions | None = None
    #: Awaited with the request of each handshake, for at most ``admission_timeout``; what it raises refuses that.
    allow_request: AllowRequest | None = None
    #: Gives each new session its id, a secret that nobody can guess; may take the request, may be async.
    generate_id: GenerateId = generate_sid
    #: Whether clients of Engine.IO revision 3 are served: Socket.IO 1.x and 2.x.
    allow_eio3: bool = False
    #: Whether pages may poll by script tags, which carry no Origin header.
    jsonp: bool = False
    #: Of the answers to polls, where the client takes it.
    http_compression: bool | HttpCompression = field(default_factory=HttpCompression)
    #: Of WebSocket messages, where the client offers it; it costs more time than it saves on fast networks.
    per_message_deflate: bool | PerMessageDeflate = False
    #: Those that the server speaks on WebSockets; the client's order of preference decides. None: the first that the
    #: client offers is taken, as Node does it, because a client whose offers are all refused gives up.
    subprotocols: Sequence[str] | None = None
    #: An Engine.IO message that follows the open packet at once.
    initial_packet: str | bytes | None = None
    #: False: ``path`` is taken without its last slash, too.
    add_trailing_slash: bool = True
    #: Networks whose word on a client's address is taken, such as ``"10.0.0.0/8"``; ``"unix"`` for local sockets.
    trusted_proxies: Sequence[str] = ()
    #: The one header field that the proxies set; clients may send the other.
    proxy_header: ProxyHeader = "x-forwarded-for"
    #: Where monitors ask whether the server takes new clients, such as ``"/healthz"``.
    health_path: str | None = None
    #: The ``dist`` folder of the npm package socket.io-client, to be served below ``path``.
    serve_client: str | PathLike[str] | None = None
    #: Request paths to files or folders, read once at the start.
    static_files: Mapping[str, str | PathLike[str]] = field(default_factory=dict)
    #: An Engine.IO server that was made before; the options that it takes are given to it.
    engine: EngineServer | None = None

    def __post_init__(self) -> None:
        for name in _TIMEOUTS:
            check_seconds(name, getattr(self, name))
        for name in ("max_header_bytes", "max_attachments", "inbox_events", "inbox_bytes"):
            check_whole(name, getattr(self, name))
        check_flag("add_trailing_slash", self.add_trailing_slash)
        check_text("path", self.path)
        if not (self.path.startswith("/") and self.path.endswith("/")):
            raise ValueError(f"path must begin and end with a slash, not {self.path!r}")
        if self.driver not in ("auto", "stream"):
            raise ValueError(f"driver must be 'auto' or 'stream', not {self.driver!r}")
        if self.ordering not in ("serial", "concurrent"):
            raise ValueError(f"ordering must be 'serial' or 'concurrent', not {self.ordering!r}")
        if self.health_path is not None:
            check_text("health_path", self.health_path)
        if self.health_path is not None and not self.health_path.startswith("/"):
            raise ValueError(f"health_path must begin with a slash, not {self.health_path!r}")
        if self.health_path is not None and self.health_path.rstrip("/") == self.path.rstrip("/"):
            raise ValueError(f"health_path must differ from path, unlike {self.health_path!r}")
        for name in ("transports", "trusted_proxies"):
            check_list(name, getattr(self, name))
        if self.subprotocols is not None:
            check_list("subprotocols", self.subprotocols)
        self._check_files()
        self.engine_options()  # checks the rest

    def _check_files(self) -> None:
        if self.serve_client is not None and not isinstance(self.serve_client, str | PathLike):
            raise TypeError(
                "serve_client must be the path of the 'dist' folder of the npm package socket.io-client, or None, "
                f"not {self.serve_client!r}"
            )
        files: object = self.static_files
        if not isinstance(files, Mapping) or not all(
            isinstance(path, str) and isinstance(source, str | PathLike) for path, source in files.items()
        ):
            raise TypeError(
                "static_files must be a dict of request paths and the files or folders for them, "
                f"such as {{'/': 'public'}}, not {files!r}"
            )

    @classmethod
    def make(cls, options: Mapping[str, Any]) -> Config:
        """Check the options.

        Raises:
            TypeError: there is no such option, or a value is of another kind.
            ValueError: a value is out of range.
        """
        check_names("Server", options, [item.name for item in fields(cls)])
        engine: EngineServer | None = options.get("engine")
        if engine is None:
            return cls(**options)
        for name in options:
            if name in EngineServerOptions.__annotations__:
                raise TypeError(f"{name!r} is the engine's: EngineServer({name}=…)")
        return replace(engine.config, **options)

    @classmethod
    def make_engine(cls, options: Mapping[str, Any]) -> Config:
        """The same for an Engine.IO server by itself."""
        check_names("EngineServer", options, list(EngineServerOptions.__annotations__))
        return cls(**{"path": "/engine.io/", **options})

    def engine_options(self) -> EngineOptions:
        """What the engine is told."""
        return EngineOptions(
            ping_interval=self.ping_interval,
            ping_timeout=self.ping_timeout,
            upgrade_timeout=self.upgrade_timeout,
            polling_close_timeout=self.polling_close_timeout,
            max_http_buffer_size=self.max_http_buffer_size,
            max_fragments=self.max_fragments,
            transports=tuple(self.transports),
            allow_upgrades=self.allow_upgrades,
            generate_id=self.generate_id,
            outbox=self.outbox,
            cors=Cors.make(self.cors),
            admission_timeout=self.admission_timeout,
            allow_eio3=self.allow_eio3,
            jsonp=self.jsonp,
            cookie=CookieOptions.make(self.cookie),
            allow_request=self.allow_request,
            http_compression=HttpCompression.make(self.http_compression),
            per_message_deflate=PerMessageDeflate.make(self.per_message_deflate),
            subprotocols=None if self.subprotocols is None else tuple(self.subprotocols),
            initial_packet=self.initial_packet,
            trusted_proxies=tuple(self.trusted_proxies),
            proxy_header=self.proxy_header,
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


_TIMEOUTS = tuple(item.name for item in fields(Config) if item.name.endswith("_timeout"))
