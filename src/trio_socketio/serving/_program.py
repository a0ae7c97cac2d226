"""Run a server as a program: listeners, signals, log output and exit status, for ``Serving.run``."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import trio

from trio_socketio.handlers import unwrap
from trio_socketio.serving._open_listeners import open_listeners
from trio_socketio.serving._standard_streams import open_missing_streams, write

if TYPE_CHECKING:
    import ssl

__all__ = ["INTERRUPTED", "TERMINATED", "Program", "display_address", "run", "show_log"]

#: The statuses that shells report for a program that a signal has ended: 128 plus the signal's number.
INTERRUPTED, TERMINATED = 130, 143

#: How long ``run`` drains after SIGTERM, in seconds.
DRAIN_TIMEOUT = 30.0

LOG = logging.getLogger("trio_socketio")


class Server(Protocol):
    """The server that a program runs: a ``Server`` or an ``EngineServer``."""

    async def serve_listeners(
        self, listeners: Sequence[trio.abc.Listener[Any]], *, task_status: trio.TaskStatus[list[Any]]
    ) -> None:
        """Serve on listeners until cancelled, then close them."""

    async def drain(self, timeout: float) -> None:
        """Stop gracefully, within ``timeout`` seconds."""


def run(
    server: Server,
    host: str | bytes | None,
    port: int,
    ssl_context: ssl.SSLContext | None,
    backlog: int | None,
) -> None:
    """Run a server until a signal ends it; see ``Serving.run``."""
    if not isinstance(port, int):
        raise TypeError(f"port must be a whole number, not {port!r}")
    open_missing_streams()
    show_log()
    program = Program(server)
    try:
        trio.run(program.main, host, port, ssl_context, backlog)
    except KeyboardInterrupt:
        program.status = INTERRUPTED
    if program.status:
        sys.exit(program.status)


def show_log(process: str = "") -> None:
    """Write the package's log to standard error, from level INFO on, unless the application has configured logging.

    Args:
        process: the name of this process, which each line contains; empty if there is only one.
    """
    if LOG.hasHandlers():
        return
    handler = logging.StreamHandler()
    handler.setFormatter(
        logging.Formatter(
            f"%(asctime)s {process + ' ' if process else ''}%(levelname)s %(name)s: %(message)s"
        )
    )
    LOG.addHandler(handler)
    if LOG.level == logging.NOTSET:
        LOG.setLevel(logging.INFO)


class Program:
    """One run of a server.

    Attributes:
        status: the argument of ``sys.exit``: a number, or a sentence for standard error, which means status 1.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self.status: int | str = 0

    async def main(
        self, host: str | bytes | None, port: int, ssl_context: ssl.SSLContext | None, backlog: int | None
    ) -> None:
        """Listen, print the addresses, and serve until a signal ends the program."""
        try:
            if not 0 <= port <= 65535:  # the resolver would use the lower 16 bits
                raise OSError(0, "port must be from 0 to 65535")
            listeners = await open_listeners(host, port, ssl_context, backlog)
        except (OSError, UnicodeError) as error:
            name = host.decode(errors="backslashreplace") if isinstance(host, bytes) else host
            cause = (error.strerror or error) if isinstance(error, OSError) else "the host name is invalid"
            self.status = f"cannot listen on {display_address(name or '*', port)}: {cause}"
            return
        try:
            async with trio.open_nursery() as nursery:
                bound: list[Any] = await nursery.start(self._server.serve_listeners, listeners)
                await nursery.start(self._end_on_sigterm, nursery.cancel_scope)
                _say_where(bound, "http" if ssl_context is None else "https")
        except BaseExceptionGroup as group:
            raise unwrap(group) from None
        finally:
            for listener in listeners:  # the server has closed them already, unless it failed to start
                await trio.aclose_forcefully(listener)

    async def _end_on_sigterm(
        self, scope: trio.CancelScope, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Drain the server at the first SIGTERM. End it when the drain is complete, or at the second SIGTERM."""
        with trio.open_signal_receiver(signal.SIGTERM) as signals:
            task_status.started()
            await anext(signals)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._drain, nursery.cancel_scope)
                await anext(signals)
                LOG.info("SIGTERM came again: the server stops at once")
                self.status = TERMINATED
                nursery.cancel_scope.cancel()
        scope.cancel()

    async def _drain(self, scope: trio.CancelScope) -> None:
        LOG.info("SIGTERM: the server drains, for at most %g s", DRAIN_TIMEOUT)
        await self._server.drain(DRAIN_TIMEOUT)
        scope.cancel()


def _say_where(listeners: Sequence[Any], scheme: str) -> None:
    for listener in listeners:
        host, port = getattr(listener, "transport_listener", listener).socket.getsockname()[:2]
        write(sys.stdout, f"Listening on {scheme}://{display_address(host, port)}\n")


def display_address(host: str, port: int) -> str:
    """Return the address as it is in a URL."""
    return f"[{host}]:{port}" if host.count(":") > 1 else f"{host}:{port}"
