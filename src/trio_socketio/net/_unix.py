"""Listening on a Unix-domain socket."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import trio

__all__ = ["unix_listener"]

#: More than the default of systems, as Trio does for TCP: the system cuts it down to what it can.
BACKLOG = 0xFFFF


@contextmanager
def unix_listener(path: str, mode: int) -> Iterator[trio.SocketListener]:
    """Bind ``path`` with these permissions; at the end its file is removed, if it still is this one.

    A file that a server which is gone has left there is replaced.

    Raises:
        OSError: it cannot be bound.
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
    """Whether there is a socket file that nobody listens on."""
    if not os.path.exists(path) or not stat.S_ISSOCK(os.stat(path).st_mode):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
        except BlockingIOError:
            pass  # so many wait to be accepted that one more would have to wait
    return False
