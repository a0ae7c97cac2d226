"""POSTs of a polling session: their bodies, and what ends the session."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import h11
import pytest
import trio
from support.http import Client, HttpBench

from trio_socketio.engineio import EngineResponse, PollingTransport
from trio_socketio.net._posts import answer_post

LIMIT = 1000


class Posting:
    """A polling session to which requests are posted."""

    def __init__(self) -> None:
        self.http = HttpBench()
        self.polling: PollingTransport = self.http.bench.polling()
        self.sid = self.polling.session.sid
        self.above = self.http.bench.above[self.sid]

    async def post(self, body: bytes, *fields: str, size: int | None = None) -> EngineResponse:
        """Send a POST; with ``size``, its head announces a body of this size, and the client then disconnects."""
        lines: Sequence[str] = ("Host: a", f"Content-Length: {len(body) if size is None else size}", *fields)
        head = "\r\n".join([f"POST /engine.io/?EIO=4&transport=polling&sid={self.sid} HTTP/1.1", *lines])
        exchange, client = await self.http.begin(f"{head}\r\n\r\n".encode() + body)
        if size is not None:
            await self._disconnect(client)
        return await answer_post(exchange, self.polling, LIMIT, logging.getLogger("test.posts"))

    async def _disconnect(self, client: Client) -> None:
        await client.aclose()


async def test_packets_of_a_body_reach_the_session() -> None:
    posting = Posting()
    response = await posting.post(b"4one\x1e4two")
    assert (response.status, response.body) == (200, b"ok")
    assert posting.above.messages == ["one", "two"]


async def test_body_in_a_content_coding_is_refused_and_the_session_stays_open() -> None:
    posting = Posting()
    response = await posting.post(b"4one", "Content-Encoding: gzip")
    assert (response.status, response.close) == (415, True)
    assert posting.polling.session.is_open
    assert posting.above.messages == []


async def test_body_over_the_limit_is_refused_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    posting = Posting()
    with caplog.at_level(logging.INFO, "test.posts"):
        response = await posting.post(b"4" * (LIMIT + 1))
    assert response.status == 413
    (message,) = caplog.messages
    assert message == (
        f"session {posting.sid[:6]}…: refused a POST: the body of {LIMIT + 1} bytes is larger than "
        f"max_http_buffer_size={LIMIT}"
    )


async def test_disconnect_before_the_end_of_the_body_ends_the_session() -> None:
    posting = Posting()
    with pytest.raises(h11.RemoteProtocolError):
        await posting.post(b"4on", size=10)
    assert not posting.polling.session.is_open
    ((_, description),) = posting.above.ended
    assert description == "the connection ended before the body of a POST was complete"


async def test_session_fails_when_the_post_is_cancelled() -> None:
    posting = Posting()
    with trio.CancelScope() as scope:
        posting.above.text = lambda data, now: scope.cancel()  # type: ignore[method-assign]
        await posting.post(b"\x1e".join([b"4x"] * 100))
    assert scope.cancelled_caught
    assert not posting.polling.session.is_open
