"""The listening sockets of workers. The parent makes them, and keeps them as long as it runs.

Each slot has a socket of its own with ``SO_REUSEPORT``. The system gives each of them an equal share of the
connections, and what waits in its queue is not lost when the worker of the slot ends.
"""

from __future__ import annotations

import errno
import socket

__all__ = ["Slots", "close_sockets", "open_sockets"]

#: The largest backlog that can be asked for, as Trio does for TCP. The system reduces it to its own limit.
BACKLOG = 0xFFFF

#: The sockets of each slot.
Slots = list[list[socket.socket]]


def open_sockets(host: str | None, port: int, slots: int) -> Slots:
    """Return the listening sockets of each slot: one for each address of the host.

    Args:
        host: the address to bind; None for all addresses.
        port: the port; 0 for any free one.
        slots: how many slots there are.

    Raises:
        OSError: the port cannot be bound, or another server listens on it.
    """
    opened: Slots = [[] for _ in range(slots)]
    unsupported: OSError | None = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, address in dict.fromkeys(found):
            at = (address[0], port, *address[2:])
            try:
                if port:  # sockets with SO_REUSEPORT would share the port with another server of this user
                    _bound(family, at, reuse_port=False).close()
                for sockets in opened:
                    sockets.append(_bound(family, at, reuse_port=True))
                    port = sockets[-1].getsockname()[1]
                    at = (address[0], port, *address[2:])
            except OSError as error:
                if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                    raise
                unsupported = error
        if not opened[0]:
            raise unsupported or OSError(errno.EADDRNOTAVAIL, "the host has no address")
    except BaseException:
        close_sockets(opened)
        raise
    return opened


def _bound(family: int, address: tuple[object, ...], *, reuse_port: bool) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


def close_sockets(slots: Slots) -> None:
    """Close the sockets of all slots."""
    for sockets in slots:
        for listening in sockets:
            listening.close()
