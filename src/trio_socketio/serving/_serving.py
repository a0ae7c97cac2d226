"""The methods of Socket.IO and Engine.IO servers that run the server and serve connections."""

from __future__ import annotations

import os
import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import trio

from trio_socketio.engineio import generate_sid
from trio_socketio.handlers import unwrap
from trio_socketio.net import Health, OtherProcesses, unix_listener
from trio_socketio.serving import _program
from trio_socketio.serving._base_runtime import BaseRuntime
from trio_socketio.serving._config import EngineConfig
from trio_socketio.serving._engine_state import EngineState
from trio_socketio.serving._interrupts import Interrupts
from trio_socketio.serving._open_listeners import open_listeners

if TYPE_CHECKING:
    from trio_socketio._asgi_types import ASGIApplication
    from trio_socketio.asgi import Lifespan
    from trio_socketio.asgi_host import AsgiHost
    from trio_socketio.guest import Guest

__all__ = ["Serving"]

C = TypeVar("C", bound=EngineConfig)
R = TypeVar("R", bound=BaseRuntime)


class Serving(ABC, Generic[C, R]):
    """The base class of servers. A server runs during a ``serve`` call, or during ``async with`` for several calls."""

    def __init__(self, config: C, engine: EngineState) -> None:
        self._config = config
        self._engine_state = engine
        self._runtime: R | None = None
        self._running: AbstractAsyncContextManager[None] | None = None

    @abstractmethod
    def _make_runtime(self) -> R:
        """Return the state of the server while it runs."""

    # options and health

    @property
    def config(self) -> C:
        """All options of the server. They cannot be changed."""
        return self._config

    @property
    def path(self) -> str:
        """The option ``path``."""
        return self._config.path

    def health(self) -> Health:
        """Return the health of the server, which is also the response at ``health_path``.

        Raises:
            RuntimeError: the server is not running.
        """
        return self._require_runtime().host.health

    # running

    def _require_runtime(self) -> R:
        if self._runtime is None:
            raise RuntimeError("the server is not running: call this inside ``async with io:``")
        return self._runtime

    async def __aenter__(self) -> Self:
        """Start the server. Several ``serve`` calls may run inside the block."""
        if self._running is not None:
            raise RuntimeError("the server is already running")
        running = self._run()
        await running.__aenter__()
        self._running = running
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        """Stop listeners and handlers, run disconnect handlers, and flush outboxes, within ``disconnect_timeout``."""
        running, self._running = self._running, None
        assert running is not None
        return await running.__aexit__(kind, error, traceback)

    @asynccontextmanager
    async def _run(self) -> AsyncIterator[None]:
        if self._runtime is not None:
            raise RuntimeError("the server is already running")
        self._runtime = runtime = self._make_runtime()
        self._engine_state.engine = runtime.engine
        try:
            with Interrupts(lambda: runtime.is_stopping, runtime.grace.cut_short):
                async with trio.open_nursery() as nursery:
                    await runtime.start(nursery)
                    lifespan = self._application(runtime)
                    try:
                        if lifespan is not None:
                            await lifespan.start(nursery)
                        yield
                    finally:
                        try:
                            await runtime.stop()
                        finally:
                            if lifespan is not None:
                                await lifespan.stop()
        except BaseExceptionGroup as group:
            error = unwrap(group)
            raise error from error.__cause__
        finally:
            self._runtime = self._engine_state.engine = None

    def _application(self, runtime: R) -> Lifespan | None:
        """Let the application of the option ``asgi`` answer requests, and return its lifespan; None: there is none."""
        config = self._config
        if config.asgi is None:
            return None
        # Servers without an application do not need this package.
        from trio_socketio.asgi import Application, Lifespan  # noqa: PLC0415

        service = runtime.host.service
        lifespan = Lifespan(config.asgi, config.asgi_startup_timeout, config.disconnect_timeout, runtime.log)
        service.application = Application(
            config.asgi, service, runtime.spawn, config.asgi_root_path, lifespan.state, runtime.log
        )
        return lifespan

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[R]:
        """Use the running server, or run the server for the duration of this block."""
        if self._runtime is not None and self._running is not None:
            yield self._runtime
        elif self._runtime is not None:
            raise RuntimeError(
                "another serve call is running: to run several at once, call them inside ``async with io:``"
            )
        else:
            async with self._run():
                yield self._require_runtime()

    def join_workers(self, others: OtherProcesses) -> None:
        """Share the port with other processes of this host. ``serve_workers`` calls this in each of its processes.

        From now on, session ids tell which process has the session, and a connection with a request for a session of
        another process is handed over to it. The server must not have served any connection yet.

        Raises:
            RuntimeError: the server is not running.
            ValueError: the server has the option ``generate_id``.
        """
        if self._config.generate_id is not generate_sid:
            raise ValueError(
                "generate_id cannot be used with more than one worker: session ids tell which worker has the session"
            )
        self._require_runtime().join_workers(others)

    async def drain(self, timeout: float = 30.0) -> None:
        """Stop gracefully. Leave ``async with io:`` afterwards.

        New sessions are refused with 503. For at most ``timeout`` seconds, received events are handled and queued
        messages are written. Then every session is closed with 1001, without a DISCONNECT packet, so that clients
        reconnect automatically, to another server.

        Raises:
            RuntimeError: the server is not running.

        Cancellation: new sessions stay refused.
        """
        runtime = self._require_runtime()
        await trio.lowlevel.checkpoint()
        await runtime.drain(timeout)

    def run(
        self,
        host: str | bytes | None,
        port: int,
        *,
        ssl_context: ssl.SSLContext | None = None,
        backlog: int | None = None,
    ) -> None:
        """Start Trio and run the server as a program, until a signal ends it. If Trio runs already, use ``serve``.

        The addresses are printed. The log is written to standard error from level INFO on, unless logging is
        configured. At SIGTERM, the server drains for at most 30 s, and this method returns. A second SIGTERM ends the
        program at once, with status 143. Ctrl-C (SIGINT) ends it with status 130.

        Args:
            host, port, ssl_context, backlog: as for ``serve``.

        Raises:
            SystemExit: a signal has ended the program, see above; or the port cannot be bound: then the status is 1,
                with a sentence on standard error.
            RuntimeError: Trio runs already in this thread; or this is not the main thread, which receives signals.
        """
        _program.run(self, host, port, ssl_context, backlog)

    def guest(
        self,
        host: str | bytes | None,
        port: int,
        *,
        ssl_context: ssl.SSLContext | None = None,
        backlog: int | None = None,
        reuse_port: bool = False,
    ) -> Guest:
        """Run the server inside a program of asyncio: ``async with io.guest(host, port) as guest:``.

        The server has a port of its own. Trio runs as a guest of the program's loop, on the same thread. Handlers run
        in Trio. Each side awaits functions of the other with ``guest.run`` and ``guest.run_in_asyncio``. One thread has
        one guest, which may serve several servers; see ``guest.serve``.

        If the server ends first, because of an error or an interrupt, the body of the block is cancelled, and the block
        raises the error. At the end of the block, the server stops as at the end of ``async with io:``.

        Args:
            host, port, ssl_context, backlog: as for ``serve``. ``guest.listeners`` tells the port.
            reuse_port: whether several processes may listen on the port (``SO_REUSEPORT``). Clients must then use
                WebSocket alone, and the server needs an adapter for clusters.

        Raises:
            OSError: the port cannot be bound. The block raises this error, and the next one.
            RuntimeError: Trio runs already in this thread, as another guest or around the loop.

        Cancellation: the block waits until the server has stopped.
        """
        # Programs of Trio do not need this package, which imports asyncio.
        from trio_socketio.guest import Address, Guest  # noqa: PLC0415

        address = Address(host, port, ssl_context, backlog, reuse_port)
        return Guest(self, address, self._grace, self._config.disconnect_timeout)

    def asgi(self, other: ASGIApplication | None = None) -> AsgiHost:
        """Return the server as an ASGI 3 application, for ASGI servers that run Trio, such as Hypercorn.

        Its lifespan is ``async with io:``. It answers the paths of the engine, the client files, ``static_files`` and
        ``health_path``, all relative to ``root_path``. WebSockets go through the ASGI server, so the options for
        compression of WebSockets and for listeners have no effect. For ASGI servers that run asyncio, use ``guest``.

        An application that is mounted in another one has no lifespan. Then write ``async with io:`` in the lifespan of
        the outer application.

        Args:
            other: the application that has all other requests, WebSockets and the lifespan; None: they get 404.

        Raises:
            ValueError: the server has the option ``asgi``, which is for its own listeners.
        """
        if self._config.asgi is not None:
            raise ValueError(
                "io.asgi() takes the other application as its argument: leave out the option asgi"
            )
        # Other programs do not need this package.
        from trio_socketio.asgi_host import AsgiHost  # noqa: PLC0415

        return AsgiHost(self, lambda: self._runtime, other)

    @contextmanager
    def _grace(self) -> Iterator[None]:
        """Open a shielded scope for work that goes on after its handler was cancelled."""
        if self._runtime is not None:
            with self._runtime.grace.scope():
                yield
        else:
            with trio.move_on_after(self._config.disconnect_timeout, shield=True):
                yield

    async def serve(
        self,
        host: str | bytes | None,
        port: int,
        *,
        ssl_context: ssl.SSLContext | None = None,
        backlog: int | None = None,
        task_status: trio.TaskStatus[
            list[trio.SocketListener] | list[trio.SSLListener[trio.SocketStream]]
        ] = (trio.TASK_STATUS_IGNORED),
    ) -> None:
        """Listen on a TCP port and serve until cancelled.

        Args:
            host: the address to bind; None for all addresses.
            port: the port; 0 for any free one. ``task_status`` receives the listeners.
            ssl_context: the context for TLS; None for no TLS.
            backlog: see ``trio.open_tcp_listeners``.

        Raises:
            RuntimeError: the server serves already, outside of ``async with io:``.
            OSError: the port cannot be bound.

        Cancellation: outside of ``async with io:`` the whole server stops; inside, only these listeners close.
        """
        async with self._serving() as runtime:
            listeners = await open_listeners(host, port, ssl_context, backlog)
            await runtime.serve_listeners(list(listeners), task_status)

    async def serve_unix(
        self,
        path: str | os.PathLike[str],
        *,
        mode: int = 0o600,
        task_status: trio.TaskStatus[list[trio.SocketListener]] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Listen on a Unix-domain socket and serve until cancelled. Then remove the socket file.

        Args:
            path: the path of the socket file. A socket file left from a server that has ended is replaced.
            mode: the permissions of the file.

        Raises:
            RuntimeError, OSError: as ``serve``.
        """
        async with self._serving() as runtime:
            with unix_listener(os.fspath(path), mode) as listener:
                await runtime.serve_listeners([listener], task_status)

    async def serve_listeners(
        self,
        listeners: Sequence[trio.abc.Listener[Any]],
        *,
        task_status: trio.TaskStatus[list[Any]] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve on listeners (TCP, TLS, Unix) until cancelled, then close them.

        Raises:
            RuntimeError: as ``serve``.
        """
        async with self._serving() as runtime:
            await runtime.serve_listeners(list(listeners), task_status)

    async def serve_stream(self, stream: trio.abc.Stream) -> None:
        """Serve one connection on any stream until it ends, then close the stream.

        Raises:
            RuntimeError: as ``serve``.

        Cancellation: the connection is dropped.
        """
        async with self._serving() as runtime:
            await runtime.serve_stream(stream)
