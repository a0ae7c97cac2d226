"""Ends a connection whose client may still send.

To close at once would reset the connection, and destroy the last response on its way (RFC 9112 section 9.6). So the
server ends its own half and reads on, until the client ends the other.
"""

from __future__ import annotations

import trio

__all__ = ["LINGER_TIMEOUT", "end_stream"]

#: How long a client may take to notice that we have ended the connection, in seconds.
LINGER_TIMEOUT = 2.0

#: How long a TLS stream waits for data that has come already, in seconds.
DATA_TIMEOUT = 0.001

RECEIVE_BYTES = 65536


async def end_stream(stream: trio.abc.Stream) -> None:
    """End our half of the stream, and read until the client has ended its own. The caller closes the stream.

    Raises:
        trio.BrokenResourceError: the connection is broken.

    Cancellation: the stream may only be closed.
    """
    if isinstance(stream, trio.SSLStream):
        await _end_tls(stream)
    elif isinstance(stream, trio.abc.HalfCloseableStream):
        await stream.send_eof()
        await _drain(stream)


async def _drain(stream: trio.abc.ReceiveStream) -> None:
    while await stream.receive_some(RECEIVE_BYTES):
        pass


async def _end_tls(stream: trio.SSLStream[trio.abc.Stream]) -> None:
    """Send ``close_notify`` (RFC 8446 section 6.1), and then as on TCP.

    ``unwrap`` sends it, and waits for the client's. Data that comes instead breaks the TLS stream, and not what is
    below. But if such data has come before, nothing is sent, so it is read first.
    """
    transport = stream.transport_stream
    while True:
        with trio.move_on_after(DATA_TIMEOUT) as waiting:
            if not await stream.receive_some(RECEIVE_BYTES):
                break
        if waiting.cancelled_caught:
            break
    try:
        await stream.unwrap()
    except trio.BrokenResourceError:
        pass
    try:
        if isinstance(transport, trio.abc.HalfCloseableStream):
            await transport.send_eof()
        await _drain(transport)
    finally:
        await trio.aclose_forcefully(transport)
