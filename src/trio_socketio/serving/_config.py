"""The options that Socket.IO and Engine.IO servers share, each with its default, its unit and its check.

To add an option, declare it in ``EngineConfig``, and name it in ``EngineServerOptions`` and docs/options.md. Tests
compare the three. If a lower layer uses it, it is also a field of ``EngineOptions``, ``HttpLimits`` or ``HostOptions``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self, TypedDict

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
    check_heartbeat,
    check_seconds,
    check_whole,
    generate_sid,
)
from trio_socketio.net import DriverChoice, Files, HostOptions, HttpChoice, HttpLimits, choose_parser
from trio_socketio.serving._option import check_options, convert_options, option
from trio_socketio.serving._option_checks import (
    check_application,
    check_files,
    check_function,
    check_health_path,
    check_initial_packet,
    check_kind,
    check_networks,
    check_one_of,
    check_path,
    check_root_path,
    check_subprotocols,
    check_transports,
)
from trio_socketio.serving._option_names import check_names

__all__ = ["EngineConfig", "EngineServerOptions"]


class EngineServerOptions(TypedDict, total=False):
    """Keyword arguments of ``EngineServer``. ``EngineConfig`` declares their defaults and describes each option."""

    path: str
    transports: Sequence[TransportName]
    driver: DriverChoice
    http: HttpChoice
    allow_upgrades: bool
    ping_interval: float
    ping_timeout: float
    upgrade_timeout: float
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
    asgi: Callable[..., Any] | None
    asgi_root_path: str
    asgi_startup_timeout: float


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineConfig:
    """The options that Socket.IO and Engine.IO servers share. Times are in seconds, sizes in bytes.

    If Node has the option, the default is Node's.
    """

    #: The class that has these options, for error messages.
    server: ClassVar[str] = "EngineServer"

    #: The path of the engine. Requests for other paths do not reach it.
    path: str = option("/engine.io/", check_path)
    #: The transports that clients may use.
    transports: Sequence[TransportName] = option(("polling", "websocket"), check_transports, convert=tuple)
    #: ``"auto"``: on Linux, the reactor serves WebSockets over plain sockets. ``"stream"``: each WebSocket has its own
    #: tasks. WebSockets over TLS always have their own tasks.
    driver: DriverChoice = option("auto", check_one_of("auto", "stream"))
    #: The parser of requests: ``"h11"``; ``"httptools"``, which is faster and needs the extra ``speed``; or ``"auto"``,
    #: which becomes ``"httptools"`` if the extra is installed, else ``"h11"``.
    http: HttpChoice = option("h11", check_one_of("h11", "httptools", "auto"))
    #: Whether a session may move from polling to WebSocket.
    allow_upgrades: bool = option(True, check_flag)
    #: The time between a pong and the next ping.
    ping_interval: float = option(25.0, check_heartbeat, unit="s")
    #: How long a pong may take after its ping.
    ping_timeout: float = option(20.0, check_heartbeat, unit="s")
    #: How long a WebSocket may take to become the transport of its session.
    upgrade_timeout: float = option(10.0, check_seconds, unit="s")
    #: How long events and messages are held while connection handlers run.
    hold_timeout: float = option(45.0, check_seconds, unit="s")
    #: How long all functions of the application for one request may take together: ``cors``, middlewares,
    #: ``allow_request`` and ``generate_id``.
    admission_timeout: float = option(45.0, check_seconds, unit="s")
    #: How long ``await socket.emit`` waits for room in the outbox. Then the client is disconnected.
    write_timeout: float = option(20.0, check_seconds, unit="s")
    #: How long disconnect handlers and the last flush may take together. Also how long a client that rejoins a
    #: namespace waits for the disconnect handlers of its former socket.
    disconnect_timeout: float = option(5.0, check_seconds, unit="s")
    #: How long the last packets of a closed session are kept for a poll.
    polling_close_timeout: float = option(30.0, check_seconds, unit="s")
    #: How long the head of a request may take. Node allows 60 s; no client of this protocol needs that.
    header_timeout: float = option(10.0, check_seconds, unit="s")
    #: How long each kilobyte of a body or a response may take. Node allows 300 s for a request.
    request_timeout: float = option(30.0, check_seconds, unit="s")
    #: How long a connection may wait for its next request. It is above the 60 s of common proxies, so that the proxy
    #: closes first.
    keep_alive_timeout: float = option(65.0, check_seconds, unit="s")
    #: The largest size of a message, of a POST body, and of all attachments of a packet together.
    max_http_buffer_size: int = option(1_000_000, check_whole, unit="bytes")
    #: The largest size of the head of a request. Node has the same limit.
    max_header_bytes: int = option(16_384, check_whole, unit="bytes")
    #: How many frames one WebSocket message may have.
    max_fragments: int = option(4096, check_whole, unit="frames")
    #: How many messages and bytes may wait for one client, and what happens if its outbox is full.
    outbox: Outbox = option(Outbox(), check_kind(Outbox))
    #: How many events may wait for the handlers of one socket. When they do, its connection is not read.
    inbox_events: int = option(256, check_whole, unit="events")
    #: How many bytes these events may have.
    inbox_bytes: int = option(262_144, check_whole, unit="bytes")
    #: The origins of pages that may connect, besides the server's own; ``"*"`` for all, or ``Cors``.
    cors: str | Sequence[str] | Cors = option((), convert=Cors.make)
    #: A cookie with the session id for load balancers: True for one named ``io``, another name, or ``CookieOptions``.
    cookie: bool | str | CookieOptions | None = option(None, convert=CookieOptions.make)
    #: An async function that is called with the request of each handshake. An exception refuses the handshake.
    allow_request: AllowRequest | None = option(None, check_function)
    #: Returns the id of a new session, which is a secret. It may take the request, and it may be async.
    generate_id: GenerateId = option(generate_sid, check_function)
    #: Whether clients of Engine.IO revision 3 are served: Socket.IO 1.x and 2.x.
    allow_eio3: bool = option(False, check_flag)
    #: Whether pages may poll by script tags, which send no Origin header.
    jsonp: bool = option(False, check_flag)
    #: The compression of responses to polls, where the client accepts it.
    http_compression: bool | HttpCompression = option(HttpCompression(), convert=HttpCompression.make)
    #: The compression of WebSocket messages, where the client offers it. On fast networks it takes more time than it
    #: saves.
    per_message_deflate: bool | PerMessageDeflate = option(False, convert=PerMessageDeflate.make)
    #: The subprotocols that the server supports on WebSockets. The first of the client's offers among them is chosen.
    #: None chooses the client's first offer, as Node does, because a client whose offers are all refused disconnects.
    subprotocols: Sequence[str] | None = option(
        None, check_subprotocols, convert=lambda names: None if names is None else tuple(names)
    )
    #: An Engine.IO message that is sent directly after the open packet.
    initial_packet: str | bytes | None = option(None, check_initial_packet)
    #: False: ``path`` is also accepted without its last slash.
    add_trailing_slash: bool = option(True, check_flag)
    #: Networks of proxies, such as ``"10.0.0.0/8"``, or ``"unix"`` for Unix-domain sockets. The server reads the
    #: client's address and scheme from their headers.
    trusted_proxies: Sequence[str] = option((), check_networks, convert=tuple)
    #: The header field that these proxies set. The other field is ignored, because a client may send it.
    proxy_header: ProxyHeader = option("x-forwarded-for", check_one_of("x-forwarded-for", "forwarded"))
    #: The path of the health check, such as ``"/healthz"``. It reports whether the server accepts new clients.
    health_path: str | None = option(None, check_health_path)
    #: Maps request paths to files or folders, which are read once at the start.
    static_files: Mapping[str, str | PathLike[str]] = option(check=check_files, factory=dict)
    #: An ASGI 3 application, which answers all requests that are not for the engine, a file or the health check.
    asgi: Callable[..., Any] | None = option(None, check_application)
    #: The path below which a proxy publishes this application, such as ``"/api"``, and which the proxy removes from
    #: requests. It is the application's ``root_path``, and begins its paths.
    asgi_root_path: str = option("", check_root_path)
    #: How long this application may take to start. Hypercorn has the same limit.
    asgi_startup_timeout: float = option(60.0, check_seconds, unit="s")

    def __post_init__(self) -> None:
        check_options(self)
        object.__setattr__(self, "http", choose_parser(self.http))
        if self.health_path is not None and self.health_path.rstrip("/") == self.path.rstrip("/"):
            raise ValueError(f"health_path must differ from path, but both are {self.health_path!r}")
        if self.asgi_root_path and self.asgi is None:
            raise ValueError("asgi_root_path needs the option asgi, whose application it is for")

    @classmethod
    def make(cls, options: Mapping[str, Any]) -> Self:
        """Check the keyword arguments of a server.

        Raises:
            TypeError: an option does not exist, or has a value of the wrong type.
            ValueError: a value is out of range.
            ImportError: ``http`` names a parser that is not installed.
        """
        check_names(cls.server, options, [item.name for item in fields(cls)])
        return cls(**options)

    def engine_options(self) -> EngineOptions:
        """Return the options of the engine."""
        return EngineOptions(**convert_options(self, {item.name for item in fields(EngineOptions)}))

    def host_options(self) -> HostOptions:
        """Return the options of the host that serves the engine. This reads the files that the host serves."""
        limits = convert_options(self, {item.name for item in fields(HttpLimits)})
        static_files = {prefix: Path(source) for prefix, source in self.static_files.items()}
        return HostOptions(
            path=self.path,
            flush_timeout=self.disconnect_timeout,
            limits=HttpLimits(**limits),
            files=Files(self.path, self.client_folder(), static_files),
            driver=self.driver,
            http=self.http,
            add_trailing_slash=self.add_trailing_slash,
            health_path=self.health_path,
        )

    def client_folder(self) -> Path | None:
        """Return the folder of the client bundle, or None if it is not served."""
        return None
