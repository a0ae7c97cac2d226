"""Measures how many of the written bytes the peer of a socket has received, over ``csrc/delivery.h``."""

from libc.errno cimport errno

from trio_socketio._core._base cimport TSIO_OK


def socket_delivery(int fd):
    """Return how many of the written bytes the peer of a socket has received. Available on Linux only.

    Returns:
        How many bytes the peer has acknowledged, counted from an arbitrary origin; how many are outstanding; and how
        many seconds ago it last acknowledged any. The first and the last are None if this is not a TCP socket.

    Raises:
        OSError: this is not a socket, or the platform does not provide the figures.
    """
    cdef tsio_delivery delivery
    if tsio_delivery_of(fd, &delivery) != TSIO_OK:
        raise OSError(errno, "cannot read how many bytes the peer has received")
    if not delivery.is_tcp:
        return None, delivery.outstanding, None
    return delivery.acknowledged, delivery.outstanding, delivery.quiet_ms / 1000
