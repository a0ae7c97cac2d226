"""Bodies that are read in pieces."""

from __future__ import annotations

import h11
import pytest
import trio
from support.http import LIMITS
from support.raw import request
from trio.testing import memory_stream_pair

from trio_socketio.net._http1 import Http1Connection
from trio_socketio.net._http_timeouts import HttpTimeouts
from trio_socketio.net._serialiser import Serialiser

LENGTH, CHUNKED = "Content-Length: 10", "Transfer-Encoding: chunked"
ENCODED = {LENGTH: b"0123456789", CHUNKED: b"3;ext=1\r\n012\r\n7\r\n3456789\r\n0\r\nTrailer: 1\r\n\r\n"}


async def read(field: str, pieces: list[bytes], *fields: str) -> tuple[bytes, Http1Connection]:
    """Read the body of a request that arrives in these pieces, the first of them with its head."""
    ours, theirs = memory_stream_pair()
    http = Http1Connection(ours, HttpTimeouts(LIMITS), Serialiser(LIMITS.keep_alive_timeout))
    http.scope = trio.CancelScope()
    await theirs.send_all(request("/", field, *fields, method="POST", body=pieces[0]))
    head = await http.first_request()
    assert head is not None
    body = http.streamed_body(head)
    received = body.take_arrived()
    for piece in pieces[1:]:
        assert not body.is_complete
        await theirs.send_all(piece)
        received += await body.read()
    if not body.is_complete:
        await theirs.send_eof()
        await body.read()
    return received, http


@pytest.mark.parametrize("field", [LENGTH, CHUNKED])
async def test_body_is_equal_however_it_is_split(field: str) -> None:
    data = ENCODED[field]
    whole, _ = await read(field, [data])
    assert whole == b"0123456789"
    by_bytes, _ = await read(field, [b"", *(data[i : i + 1] for i in range(len(data)))])
    assert by_bytes == whole
    for at in range(len(data)):
        parts, _ = await read(field, [data[:at], data[at:]])
        assert parts == whole


@pytest.mark.parametrize("field", [LENGTH, CHUNKED])
@pytest.mark.parametrize("at", [0, 5])
async def test_bytes_after_the_body_are_kept(field: str, at: int) -> None:
    data = ENCODED[field]
    _, http = await read(field, [data[:at], data[at:] + b"GET /next"])
    assert http.trailing_data == b"GET /next"
    http.reader.feed(b" HTTP/1.1")
    assert http.trailing_data == b"GET /next HTTP/1.1"


@pytest.mark.parametrize("field", [LENGTH, CHUNKED])
async def test_end_of_the_connection_is_an_error(field: str) -> None:
    with pytest.raises(h11.RemoteProtocolError, match="before the end of a body"):
        await read(field, [ENCODED[field][:5]])


async def test_body_may_have_any_number_of_chunks() -> None:
    chunks = b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n"
    received, _ = await read(CHUNKED, [b"", chunks[:60_000], chunks[60_000:]])
    assert received == b"x" * 20_000
