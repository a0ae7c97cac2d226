"""Listens on a Unix-domain socket."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import trio

__all__ = ["unix_listener"]

#: The largest backlog that can be asked for, as Trio does for TCP. The system reduces it to its own limit.
BACKLOG = 0xFFFF


@contextmanager
def unix_listener(path: str, mode: int) -> Iterator[trio.SocketListener]:
    """Bind ``path`` with these permissions. At the end, remove the socket file, unless another one has replaced it.

    A socket file that is left from a server that has ended is replaced.

    Raises:
        OSError: ``path`` cannot be bound.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.setblocking(False)
        if _is_dead(path):
            os.unlink(path)
        umask = os.umask(0o777 & ~mode)
        try:
            listening.bind(path)
        finally:
            os.umask(umask)
        bound = os.stat(path)
        try:
            listening.listen(BACKLOG)
            yield trio.SocketListener(trio.socket.from_stdlib_socket(listening))
        finally:
            with suppress(FileNotFoundError):
                if os.path.samestat(os.stat(path), bound):
                    os.unlink(path)


def _is_dead(path: str) -> bool:
    """Return whether there is a socket file on which no server listens."""
    if not os.path.exists(path) or not stat.S_ISSOCK(os.stat(path).st_mode):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
        except BlockingIOError:
            pass  # a server listens, and its backlog is full
    return False
