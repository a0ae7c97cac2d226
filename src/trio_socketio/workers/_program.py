"""Run a server with workers as a program: sockets, signals, and exit status."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import Any

import trio

from trio_socketio.serving import (
    INTERRUPTED,
    TERMINATED,
    display_address,
    open_missing_streams,
    show_log,
    write,
)
from trio_socketio.workers._options import WorkersOptions
from trio_socketio.workers._slots import StartFailed
from trio_socketio.workers._sockets import Slots, close_sockets, open_sockets
from trio_socketio.workers._supervisor import Supervisor
from trio_socketio.workers._target import TargetError, is_loading

__all__ = ["serve_workers"]

LOG = logging.getLogger("trio_socketio.workers")


def serve_workers(
    target: str,
    host: str | None,
    port: int,
    *,
    workers: int,
    certificate: str | os.PathLike[str] | None = None,
    key: str | os.PathLike[str] | None = None,
    start_timeout: float = 60.0,
    drain_timeout: float = 30.0,
) -> None:
    """Serve one port with several processes, until a signal ends the program. It needs Linux.

    Each worker is a new Python process that imports the target. This process imports nothing of the application: it
    starts the workers, and starts another one when one has ended. With several workers, a ``Server`` with the default
    adapter is connected to those of the other workers, so that rooms, broadcasts and ``fetch_sockets`` reach all
    clients; and connections whose session is in another worker are handed over to it, so no sticky proxy is needed.
    If the target's module calls this function, it must do so under ``if __name__ == "__main__":``.

    The addresses are printed when all workers serve. SIGTERM and SIGINT drain all workers. A second one stops them at
    once. SIGHUP replaces the workers one after the other, with new code: each one drains when its successor serves.
    If the new code does not start, the former workers stay. When this process ends, the workers end, too.

    Args:
        target: the module and the server in it, such as ``"app:io"``: a ``Server``, an ``EngineServer``, or a function
            that takes no arguments and returns one.
        host: the address to bind; None for all addresses.
        port: the port; 0 for any free one.
        workers: how many workers there are, from 1 to 128. A single one may use TLS with polling, and ``generate_id``.
        certificate: the path of a certificate chain for TLS, in PEM format; None for no TLS.
        key: the path of the certificate's private key.
        start_timeout: how long a worker may take until it serves, in seconds.
        drain_timeout: how long handlers and outboxes may take to finish before a worker stops, in seconds.

    Raises:
        TypeError, ValueError: an argument has the wrong type or is out of range, or this is not Linux.
        SystemExit: a signal has ended the program: the status is 130 for SIGINT, and 143 for a second SIGTERM. Or the
            program cannot start: then the status is 1, with a sentence on standard error.
        RuntimeError: Trio runs already in this thread; or this is not the main thread, which receives signals.
    """
    if is_loading():  # each worker would start workers
        raise TargetError("serve_workers must be called under ``if __name__ == '__main__':``")
    options = WorkersOptions(
        target=target,
        host=host,
        port=port,
        workers=workers,
        certificate=certificate,
        key=key,
        start_timeout=start_timeout,
        drain_timeout=drain_timeout,
    )
    open_missing_streams()
    show_log()
    status = _listen_and_run(options)
    if status:
        sys.exit(status)


def _listen_and_run(options: WorkersOptions) -> int | str:
    """Return the argument of ``sys.exit``."""
    try:
        sockets = open_sockets(options.host, options.port, options.workers)
    except (OSError, UnicodeError) as error:
        cause = (error.strerror or error) if isinstance(error, OSError) else "the host name is invalid"
        return f"cannot listen on {display_address(options.host or '*', options.port)}: {cause}"
    program = Program(options, sockets)
    try:
        trio.run(program.main)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        close_sockets(sockets)
    return program.status


class Program:
    """One run of a server with workers.

    Attributes:
        status: the argument of ``sys.exit``: a number, or a sentence for standard error, which means status 1.
    """

    def __init__(self, options: WorkersOptions, sockets: Slots) -> None:
        self._options = options
        self._sockets = sockets
        self._supervisor = Supervisor(options, sockets)
        self.status: int | str = 0

    async def main(self) -> None:
        """Run the workers until a signal ends the program."""
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._obey, signals)
                try:
                    await self._supervisor.run(self._say_where)
                except StartFailed as failure:
                    write(sys.stderr, failure.traceback)
                    self.status = str(failure)
                nursery.cancel_scope.cancel()

    async def _obey(self, signals: Any) -> None:
        stops = 0
        async for number in signals:
            name = signal.Signals(number).name
            if number == signal.SIGHUP:
                if stops:
                    continue
                LOG.info("SIGHUP: the workers are replaced, one after the other")
                self._supervisor.restart()
                continue
            stops += 1
            if stops == 1:
                LOG.info("%s: the workers drain, for at most %g s", name, self._options.drain_timeout)
            else:
                LOG.info("%s came again: the workers stop at once", name)
            if number == signal.SIGINT:
                self.status = INTERRUPTED
            elif stops > 1:
                self.status = TERMINATED
            self._supervisor.stop()

    def _say_where(self) -> None:
        scheme = "http" if self._options.certificate is None else "https"
        for listening in self._sockets[0]:
            host, port = listening.getsockname()[:2]
            write(sys.stdout, f"Listening on {scheme}://{display_address(host, port)}\n")
