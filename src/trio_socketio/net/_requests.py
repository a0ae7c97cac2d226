"""What one connection asks of the engine by HTTP, one request after the other, and the polls that wait."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import h11
import trio

from trio_socketio._core import Failure, PayloadReader
from trio_socketio._signal import Signal
from trio_socketio.engineio import (
    POST_TOO_LARGE,
    EngineRequest,
    EngineResponse,
    PollingTransport,
)
from trio_socketio.net._admission import STOPPING
from trio_socketio.net._encoding import coding_of, encoded
from trio_socketio.net._head import asks_for_other_protocol
from trio_socketio.net._http1 import BodyTooLarge, Http1Connection
from trio_socketio.net._turn import PACKETS_BETWEEN_CHECKPOINTS, Turn

if TYPE_CHECKING:
    from trio_socketio.net._host import Driver, EngineHost

__all__ = ["GONE", "Polls", "Requests"]

METHOD_NOT_ALLOWED = EngineResponse(
    405, [("Allow", "GET, POST, OPTIONS"), ("Content-Length", "0")], close=True
)
OTHER_PROTOCOL = EngineResponse(426, [("Upgrade", "websocket"), ("Content-Length", "0")], close=True)
#: A body in a content coding (RFC 9110 section 15.5.16). It is not read; the session lives on.
NO_CODINGS = EngineResponse(415, [("Accept-Encoding", "identity"), ("Content-Length", "0")], close=True)

#: What the peer's misbehaviour or absence raises; never an error of ours.
GONE = (trio.BrokenResourceError, trio.ClosedResourceError)

#: Polls answered in a row before other tasks get their turn: to compress an answer takes 2 ms at most.
POLLS_BETWEEN_CHECKPOINTS = 8


class Polls:
    """The polls that have something to tell their clients, answered by one task.

    What is queued in one turn goes out together; and a connection's own task need not wake for it.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._ready: list[Requests] = []
        self._work = Signal()

    def add(self, requests: Requests) -> None:
        """Answer the poll that waits on this connection, if there is one then."""
        if not self._ready:
            self._work.set()
        self._ready.append(requests)

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Answer polls until cancelled."""
        while True:
            await self._work.wait()
            ready, self._ready = self._ready, []
            for number, requests in enumerate(ready, 1):
                try:
                    requests.answer_poll()
                except Exception:  # a mistake of ours ends one connection, not the polls of all
                    self._logger.critical("internal error in a poll", exc_info=True)
                    requests.http.scope.cancel()
                if number % POLLS_BETWEEN_CHECKPOINTS == 0:
                    await trio.lowlevel.cancel_shielded_checkpoint()


class Requests:
    """The requests of one connection. Its task reads; a poll that waits is answered meanwhile by another.

    Args:
        host: the server's.
        http: the connection.
        logger: for what goes wrong.
    """

    _nursery: trio.Nursery

    def __init__(self, host: EngineHost, http: Http1Connection, logger: logging.Logger) -> None:
        self.http = http
        self._host = host
        self._engine = host.engine
        self._logger = logger
        self._request: EngineRequest
        self._waiting: PollingTransport | None = None
        self._is_ready = False

    async def serve(self) -> Driver | None:
        """Answer requests until the connection ends, or becomes a WebSocket that a driver is to run."""
        http = self.http
        try:
            request = await http.first_request()
            if request is None:
                return None
            if request.upgrade:
                return await self._host.upgrade(http, request)
            with trio.CancelScope() as http.scope:
                return await self._serve_all(request)
            if http.idle is None:
                await http.respond_error(408)
        except h11.RemoteProtocolError as error:
            self._logger.debug("bad HTTP from %s: %s", http.address or "a stream", error)
            await http.respond_error(error.error_status_hint)
        return None

    async def _serve_all(self, request: EngineRequest) -> Driver | None:
        try:
            async with trio.open_nursery() as self._nursery:
                return await self._serve(request)
        except BaseExceptionGroup as group:
            _, rest = group.split(trio.Cancelled)
            raise (rest or group).exceptions[0] from None

    async def _serve(self, request: EngineRequest | None) -> Driver | None:
        while request is not None:
            if request.upgrade:
                return await self._host.upgrade(self.http, request)
            self._request = request
            if not await self._answer(request) or self._host.is_stopping:
                break
            request = await self.http.next_request()
        return None

    async def _answer(self, request: EngineRequest) -> bool:
        """Answer one request; returns whether the connection can carry another."""
        host, engine = self._host, self._engine
        if request.path not in host.paths:
            return await self._respond_plainly(host.respond_outside_engine(request))
        if self.http.offers_upgrade and asks_for_other_protocol(request.headers):
            return await self._respond(OTHER_PROTOCOL)
        admission = host.admission
        if admission.may_wait(request):
            response = await admission.check(request, self.http)
        else:
            response = admission.check_now(request)
        if response is not None:
            return await self._respond(response)
        if not request.sid:
            return await self._open(request)
        polling = engine.polling(engine.sessions[request.sid])
        if request.method == "GET":
            return await self._poll(polling)
        if request.method == "POST":
            return await self._post(request, polling)
        return await self._respond(METHOD_NOT_ALLOWED)

    async def _respond(self, response: EngineResponse) -> bool:
        return await self._respond_plainly(self._host.headers.finished(self._request, response))

    async def _respond_plainly(self, response: EngineResponse) -> bool:
        return await self.http.respond(response, head=self._request.method == "HEAD")

    # polls

    async def _open(self, request: EngineRequest) -> bool:
        if self._host.refuses(request):
            return await self._respond(STOPPING)
        polling = self._engine.open_polling(request, trio.current_time())
        return await self._poll(polling)

    async def _poll(self, polling: PollingTransport) -> bool:
        http = self.http
        self._is_ready = False
        refused = polling.begin_poll(self._poll_is_ready)
        if refused is not None:
            return await self._respond(refused)
        self._waiting = polling
        http.reader.hold()
        if self._is_ready:
            self.answer_poll()
        try:
            if not await http.reader.released():
                self._lose_poll("poll connection closed prematurely")
                return False
        except BaseException:
            self._lose_poll("the poll was cancelled")
            raise
        return http.is_reusable

    def _poll_is_ready(self) -> None:
        self._is_ready = True
        if self._waiting is not None:
            self._host.polls.add(self)

    def _lose_poll(self, description: str) -> None:
        if self._waiting is not None:
            polling, self._waiting = self._waiting, None
            polling.poll_lost(description)

    def answer_poll(self) -> None:
        """Write the answer to the poll that waits; nothing happens if none does any more, or another one does."""
        polling = self._waiting
        if polling is None or not self._is_ready:
            return
        self._waiting = None
        polling.answered_by(self.http.delivery)
        request = self._request
        response = self._host.headers.finished(request, polling.collect(), initial=not request.sid)
        request.response_headers = ()  # it may live on as its session's request
        compression = self._engine.options.http_compression
        coding = coding_of(response, request, compression)
        if coding is not None and compression is not None:
            if coding and len(response.body) > compression.worker_bytes:
                self._finish_poll(
                    polling, partial(self._respond_encoded, polling, response, coding, compression.level)
                )
                return
            response = encoded(response, coding, compression.level)
        polling.begin_answer()
        try:
            rest = self.http.begin_response(response)
        except trio.BrokenResourceError:
            self._poll_broke(polling)
            return
        if rest:
            self._finish_poll(polling, partial(self.http.finish_response, rest))
        else:
            self._poll_written(polling)

    async def _respond_encoded(
        self, polling: PollingTransport, response: EngineResponse, coding: str, level: int
    ) -> None:
        limiter = self._host.compressing
        response = await trio.to_thread.run_sync(encoded, response, coding, level, limiter=limiter)
        instead = polling.begin_answer()
        if instead is not None:
            response = self._host.headers.finished(self._request, instead)
        await self.http.finish_response(self.http.begin_response(response))

    def _finish_poll(self, polling: PollingTransport, write: Callable[[], Awaitable[None]]) -> None:
        """Let a task write the answer, or the rest of it."""
        self.http.reader.suspend()
        self._nursery.start_soon(self._confirm_poll, polling, write, name="answer to a poll")

    @trio.lowlevel.enable_ki_protection
    async def _confirm_poll(self, polling: PollingTransport, write: Callable[[], Awaitable[None]]) -> None:
        try:
            await write()
        except (*GONE, trio.TooSlowError):
            self._poll_broke(polling)
        except BaseException:
            polling.poll_lost("poll connection closed while it was answered")
            raise
        else:
            self._poll_written(polling)

    def _poll_written(self, polling: PollingTransport) -> None:
        polling.poll_written(trio.current_time())
        self.http.responded(stop=self._host.is_stopping)

    def _poll_broke(self, polling: PollingTransport) -> None:
        polling.poll_lost("poll connection closed while it was answered")
        self.http.scope.cancel()

    # POST

    async def _post(self, request: EngineRequest, polling: PollingTransport) -> bool:
        session = polling.session
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            return await self._respond(NO_CODINGS)
        refused = polling.begin_post(request.headers.get("content-type", ""))
        if refused is not None:
            return await self._respond(refused)

        def received(size: int) -> None:
            polling.received(size, trio.current_time())

        try:
            body = await self.http.read_body(request, self._engine.options.max_http_buffer_size, received)
        except BodyTooLarge as error:
            polling.post_refused()
            self._logger.info("session %s…: %s", session.sid[:6], error)
            return await self._respond(POST_TOO_LARGE)
        except BaseException:
            polling.post_lost("the POST never came whole")
            raise
        packets = polling.packets(body)
        if isinstance(packets, Failure):
            return await self._respond(polling.end_post(packets))
        try:
            await self._hand_over(polling, packets)
        except BaseException:
            polling.post_lost("the POST was cancelled")
            raise
        return await self._respond(polling.end_post(packets.failure))

    async def _hand_over(self, polling: PollingTransport, packets: PayloadReader) -> None:
        """Hand over the packets of a POST. While the session is paused, those that are left wait undecoded."""
        session, turn = polling.session, Turn(PACKETS_BETWEEN_CHECKPOINTS)
        for packet in packets:
            session.receive(packet, trio.current_time())
            if session.paused:
                await self._resumed(polling)
            if not session.is_open:
                return
            if turn.is_over():
                await trio.lowlevel.checkpoint()
                turn.begin()

    async def _resumed(self, polling: PollingTransport) -> None:
        while polling.session.paused:
            resumed = trio.Event()
            polling.hold_post(resumed.set)
            with self._host.hang_ups.watching(self.http.stream, resumed.set) as watch:
                await resumed.wait()
            if watch.hung_up:
                raise trio.BrokenResourceError("the client has gone while its POST was held")
