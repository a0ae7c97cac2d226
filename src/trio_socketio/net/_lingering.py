"""Ends a connection whose client may still send.

Closing such a connection at once would reset it, and the client could lose the last response (RFC 9112 section 9.6).
So the server ends its own half, and reads on until the client ends the other half.
"""

from __future__ import annotations

import trio

__all__ = ["CLOSE_TIMEOUT", "LINGER_TIMEOUT", "end_stream"]

#: How long a client may take to end its half after the server has ended its own, in seconds.
LINGER_TIMEOUT = 2.0

#: How long the peer may take to answer the server's close frame, or to receive one before an abort, in seconds (RFC
#: 6455 section 7.1.1).
CLOSE_TIMEOUT = 2.0

#: How long to wait on a TLS stream for data that may have arrived already, in seconds. A busy machine may take some
#: milliseconds until this task runs, and data must not be left in the stream.
DATA_TIMEOUT = 0.003

RECEIVE_BYTES = 65536


async def end_stream(stream: trio.abc.Stream) -> None:
    """End the server's half of the stream, and read until the client ends its own. The caller closes the stream.

    Raises:
        trio.BrokenResourceError: the connection is broken.

    Cancellation: afterwards the stream can only be closed.
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
    """Send ``close_notify`` (RFC 8446 section 6.1), then end the TCP connection below as without TLS.

    ``unwrap`` sends ``close_notify``, and waits for the client's. Data that arrives instead breaks the TLS stream, but
    not the stream below. If data has arrived before, ``unwrap`` sends nothing; therefore read that data first.
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
