"""The command line: ``python -m trio_socketio serve app:io --workers 4 --port 3000``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from trio_socketio.workers import run_worker, serve_workers

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command.

    Args:
        arguments: the arguments; None for those of this process.

    Raises:
        SystemExit: the command has ended; the status is 2 if an argument is wrong.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["worker"] and len(words) == 2 and words[1].isdecimal():
        try:
            sys.exit(run_worker(int(words[1])))
        except OSError:
            sys.exit("the command worker is for the parent of workers: use serve")
    parser = _parser()
    given = parser.parse_args(words)
    try:
        serve_workers(
            given.target,
            given.host,
            given.port,
            workers=given.workers,
            certificate=given.certificate,
            key=given.key,
            start_timeout=given.start_timeout,
            drain_timeout=given.drain_timeout,
        )
    except (TypeError, ValueError) as error:
        parser.exit(2, f"{error}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trio_socketio", description="A Socket.IO server on Trio."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    serve = commands.add_parser(
        "serve",
        help="serve an application with worker processes",
        description="Serve an application with worker processes. SIGTERM drains them, SIGHUP restarts them in turn.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    serve.add_argument("target", help="the module and the server in it, such as app:io")
    serve.add_argument("--host", default="127.0.0.1", help="the address to bind")
    serve.add_argument("--port", type=int, default=3000, help="the port; 0 for any free one")
    serve.add_argument("--workers", type=int, default=1, help="how many processes serve")
    serve.add_argument("--certificate", metavar="FILE", help="a certificate chain for TLS, in PEM format")
    serve.add_argument("--key", metavar="FILE", help="the private key of the certificate")
    serve.add_argument(
        "--start-timeout",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long a worker may take to start",
    )
    serve.add_argument(
        "--drain-timeout",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="how long a worker may take to drain",
    )
    return parser


if __name__ == "__main__":
    main()
