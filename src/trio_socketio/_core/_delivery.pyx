"""How far the peer of a socket has received what was written to it, over ``csrc/delivery.h``."""

from libc.errno cimport errno

from trio_socketio._core._base cimport TSIO_OK


def socket_delivery(int fd):
    """Return how far the peer of a socket has received what was written to it. Only Linux tells.

    Returns:
        Bytes that the peer has acknowledged, from any origin (None: not a TCP socket), bytes that are outstanding, and
        seconds since it last acknowledged anything (None likewise).

    Raises:
        OSError: this is no socket, or the system does not tell.
    """
    cdef tsio_delivery delivery
    if tsio_delivery_of(fd, &delivery) != TSIO_OK:
        raise OSError(errno, "how far a peer has received")
    if not delivery.is_tcp:
        return None, delivery.outstanding, None
    return delivery.acknowledged, delivery.outstanding, delivery.quiet_ms / 1000
