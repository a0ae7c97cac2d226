"""Answers a POST of a polling session: reads its body, and hands over the packets in it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

import trio

from trio_socketio._core import Failure, PayloadReader
from trio_socketio.engineio import POST_TOO_LARGE, EngineRequest, EngineResponse, PollingTransport
from trio_socketio.net._chunked import BodyTooLarge
from trio_socketio.net._turn import PACKETS_BETWEEN_CHECKPOINTS, Turn

__all__ = ["HangUp", "Post", "answer_post", "begin_arrived_post", "finish_post"]

#: The answer to a body in a content coding (RFC 9110 section 15.5.16). The body is not read; the session stays open.
NO_CODINGS = EngineResponse(415, [("Accept-Encoding", "identity"), ("Content-Length", "0")], close=True)


class HangUp(Protocol):
    """Whether the client has hung up."""

    @property
    def hung_up(self) -> bool:
        """Whether it has."""
        ...


class Post(Protocol):
    """One POST, of any HTTP server; ``Exchange`` is one."""

    @property
    def request(self) -> EngineRequest:
        """The request."""
        ...

    async def read_body(self, limit: int, received: Callable[[int], None]) -> bytes:
        """Read the body; see ``Http1Connection.read_body``."""
        ...

    def watching_hang_up(self, notify: Callable[[], None]) -> AbstractContextManager[HangUp]:
        """Call ``notify`` if the client hangs up during a ``with`` block."""
        ...


async def answer_post(
    exchange: Post, polling: PollingTransport, limit: int, logger: logging.Logger
) -> EngineResponse:
    """Read the body of a POST, and hand its packets over to the session.

    Args:
        exchange: the request, a POST.
        polling: the transport of its session.
        limit: the largest size of the body in bytes.
        logger: for bodies that are too large.

    Returns:
        The response.

    Raises:
        h11.RemoteProtocolError: the body is malformed or incomplete.
        trio.BrokenResourceError: the client has disconnected.

    Cancellation: the session fails.
    """
    refused = _begin(exchange.request, polling)
    if refused is not None:
        return refused

    def received(size: int) -> None:
        polling.session.received(size, trio.current_time())

    try:
        body = await exchange.read_body(limit, received)
    except BodyTooLarge as error:
        polling.post_refused()
        logger.info("session %s…: refused a POST: %s", polling.session.sid[:6], error)
        return POST_TOO_LARGE
    except BaseException:
        polling.post_lost("the connection ended before the body of a POST was complete")
        raise
    packets = polling.packets(body)
    if isinstance(packets, Failure):
        return polling.end_post(packets)
    return await finish_post(exchange, polling, packets)


def begin_arrived_post(
    request: EngineRequest, polling: PollingTransport, take_body: Callable[[], bytes]
) -> EngineResponse | PayloadReader:
    """Hand over the packets of a POST whose body has arrived, until the session is paused or the turn is over.

    Args:
        request: the POST.
        polling: the transport of its session.
        take_body: returns the body. Not called if the POST is refused.

    Returns:
        The response; or the packets that are left, for ``finish_post``.
    """
    refused = _begin(request, polling)
    if refused is not None:
        return refused
    packets = polling.packets(take_body())
    if isinstance(packets, Failure):
        return polling.end_post(packets)
    session, now, turn = polling.session, trio.current_time(), Turn(PACKETS_BETWEEN_CHECKPOINTS)
    try:
        for packet in packets:
            session.receive(packet, now)
            if session.link.paused or turn.is_over():
                return packets
            if not session.link.open:
                break
    except BaseException:
        polling.post_lost("a POST was interrupted")
        raise
    return polling.end_post(packets.failure)


def _begin(request: EngineRequest, polling: PollingTransport) -> EngineResponse | None:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        return NO_CODINGS
    return polling.begin_post(request.headers.get("content-type", ""))


async def finish_post(exchange: Post, polling: PollingTransport, packets: PayloadReader) -> EngineResponse:
    """Hand over the packets of a POST that are left, and return the response. Raises the same as ``answer_post``."""
    link = polling.session.link
    try:
        if link.paused:
            await _pause_ends(exchange, polling)
        if link.open:
            await _hand_over(exchange, polling, packets)
    except BaseException:
        polling.post_lost("a POST was cancelled")
        raise
    return polling.end_post(packets.failure)


async def _hand_over(exchange: Post, polling: PollingTransport, packets: PayloadReader) -> None:
    """Hand over the packets of a POST. While the session is paused, the remaining packets wait undecoded."""
    session, turn = polling.session, Turn(PACKETS_BETWEEN_CHECKPOINTS)
    link = session.link
    for packet in packets:
        session.receive(packet, trio.current_time())
        if link.paused:
            await _pause_ends(exchange, polling)
        if not link.open:
            return
        if turn.is_over():
            await trio.lowlevel.checkpoint()
            turn.begin()


async def _pause_ends(exchange: Post, polling: PollingTransport) -> None:
    while polling.session.paused:
        resumed = trio.Event()
        polling.hold_post(resumed.set)
        with exchange.watching_hang_up(resumed.set) as watch:
            await resumed.wait()
        if watch.hung_up:
            raise trio.BrokenResourceError("the client disconnected while its POST was held back")
