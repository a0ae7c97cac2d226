"""The options of a Socket.IO server: those of its engine, and its own."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from trio_socketio.adapters import Adapter, AdapterFactory, LocalAdapter
from trio_socketio.engine_server import EngineServer
from trio_socketio.engineio import check_seconds, check_whole
from trio_socketio.serving import (
    EngineConfig,
    EngineServerOptions,
    check_client_folder,
    check_names,
    check_one_of,
    check_path,
    option,
)
from trio_socketio.socketio import ConnectionOptions

__all__ = ["Ordering", "ServerConfig", "ServerOptions"]

Ordering = Literal["serial", "concurrent"]


class ServerOptions(EngineServerOptions, total=False):
    """Keyword arguments of ``Server``. ``ServerConfig`` declares their defaults and describes each option."""

    connect_timeout: float
    attachment_timeout: float
    max_attachments: int
    ordering: Ordering
    serve_client: str | PathLike[str] | None
    engine: EngineServer | None
    adapter: AdapterFactory


def _check_adapter(name: str, factory: object) -> None:
    """Check that an option can make adapters, without calling it."""
    if isinstance(factory, Adapter):
        raise TypeError(f"{name} must be the class of an adapter, not an adapter: each namespace has its own")
    if not callable(factory) or inspect.iscoroutinefunction(factory):
        raise TypeError(f"{name} must be the class of an adapter, or a plain function, not {factory!r}")


def _check_engine(name: str, engine: object) -> None:
    if engine is not None and not isinstance(engine, EngineServer):
        raise TypeError(f"{name} must be an EngineServer(...), not {engine!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerConfig(EngineConfig):
    """The options of a Socket.IO server. Times are seconds, sizes bytes."""

    server: ClassVar[str] = "Server"

    path: str = option("/socket.io/", check_path)
    #: How long a client may stay connected without a namespace: before its first CONNECT is accepted, and after it has
    #: left its last namespace.
    connect_timeout: float = option(45.0, check_seconds, unit="s")
    #: How long the attachments of a packet may take to arrive.
    attachment_timeout: float = option(10.0, check_seconds, unit="s")
    #: How many attachments one packet may have. Node's parser has the same limit since CVE-2026-33151.
    max_attachments: int = option(10, check_whole)
    #: Whether the handlers of one socket run one after the other (``"serial"``) or at the same time.
    ordering: Ordering = option("serial", check_one_of("serial", "concurrent"))
    #: The ``dist`` folder of the npm package socket.io-client. The server serves it below ``path``.
    serve_client: str | PathLike[str] | None = option(None, check_client_folder)
    #: An existing Engine.IO server to build on. The options of ``EngineServer`` are then set there, not here.
    engine: EngineServer | None = option(None, _check_engine)

    #: Makes the adapter of each namespace. The adapter keeps the sockets and their rooms, and delivers broadcasts.
    adapter: AdapterFactory = option(LocalAdapter, _check_adapter)

    @classmethod
    def make(cls, options: Mapping[str, Any]) -> Self:
        """Check the keyword arguments of a server, and copy the options of its ``engine`` if one is given.

        Raises:
            TypeError: an option does not exist, belongs to the given engine, or has a value of the wrong type.
            ValueError: a value is out of range.
        """
        check_names(cls.server, options, [item.name for item in fields(cls)])
        engine: EngineServer | None = options.get("engine")
        if engine is None:
            return cls(**options)
        _check_engine("engine", engine)
        inherited = {item.name: getattr(engine.config, item.name) for item in fields(EngineConfig)}
        for name in options:
            if name in inherited:
                raise TypeError(f"{name!r} is an option of the engine: pass it to EngineServer({name}=…)")
        return cls(**inherited, **options)

    def client_folder(self) -> Path | None:
        """Return the folder of the client bundle, or None if it is not served."""
        return None if self.serve_client is None else Path(self.serve_client)

    def connection_options(self) -> ConnectionOptions:
        """Return the options of Socket.IO connections."""
        return ConnectionOptions(
            connect_timeout=self.connect_timeout,
            attachment_timeout=self.attachment_timeout,
            max_attachments=self.max_attachments,
            max_bytes=self.max_http_buffer_size,
        )
