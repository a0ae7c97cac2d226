"""Open the TCP listeners of a server."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Any

import trio

__all__ = ["open_listeners"]


async def open_listeners(
    host: str | bytes | None, port: int, ssl_context: ssl.SSLContext | None, backlog: int | None
) -> Sequence[trio.abc.Listener[Any]]:
    """Bind a TCP port, and listen on it.

    Args:
        host: the address to bind; None for all addresses.
        port: the port; 0 for any free one.
        ssl_context: the context for TLS; None for no TLS.
        backlog: see ``trio.open_tcp_listeners``.

    Raises:
        OSError: the port cannot be bound.
    """
    if ssl_context is None:
        return await trio.open_tcp_listeners(port, host=host, backlog=backlog)
    return await trio.open_ssl_over_tcp_listeners(
        port, ssl_context, host=host, https_compatible=True, backlog=backlog
    )
