"""Answers the HTTP requests of one connection, one after the other, including its waiting polls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import h11
import trio

from trio_socketio.engineio import EngineRequest, EngineResponse, PollingTransport
from trio_socketio.net._admission import STOPPING
from trio_socketio.net._encoding import coding_of, encoded
from trio_socketio.net._exchange import Exchange
from trio_socketio.net._head import asks_for_other_protocol
from trio_socketio.net._http1 import Http1Connection
from trio_socketio.net._posts import answer_post
from trio_socketio.net._service import EngineService
from trio_socketio.net._site import NOT_FOUND, Site

__all__ = ["GONE", "METHOD_NOT_ALLOWED", "Requests"]

METHOD_NOT_ALLOWED = EngineResponse(
    405, [("Allow", "GET, POST, OPTIONS"), ("Content-Length", "0")], close=True
)
OTHER_PROTOCOL = EngineResponse(426, [("Upgrade", "websocket"), ("Content-Length", "0")], close=True)

#: Raised when the peer disconnects or misbehaves. Not an error of the server.
GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


class Requests:
    """The requests of one connection. Its task reads them; another task answers a poll that waits.

    Args:
        service: shared by all requests to the engine.
        site: answers requests that are not for the engine.
        http: the connection.
        received: what another process has read from the connection, which it has handed over; blank: this process has
            accepted it.
    """

    _nursery: trio.Nursery
    _exchange: Exchange

    def __init__(
        self, service: EngineService, site: Site, http: Http1Connection, received: bytes = b""
    ) -> None:
        self.http = http
        self._received = received
        self._service = service
        self._site = site
        self._engine = service.engine
        self._waiting: PollingTransport | None = None
        self._is_ready = False

    async def serve(self) -> EngineRequest | None:
        """Answer requests until the connection ends, or a request needs more than a response.

        Returns:
            The request for a WebSocket, or for a session of another process, which the caller handles; None: the
            connection has ended.
        """
        http = self.http
        try:
            request = http.handed_request(self._received) if self._received else await http.first_request()
            if request is None or request.upgrade:
                return request
            with trio.CancelScope() as http.scope:
                return await self._serve_all(request)
            if http.idle is None:
                await http.respond_error(408)
        except h11.RemoteProtocolError as error:
            self._service.logger.debug(
                "refused a malformed request from %s: %s", http.address or "a stream", error
            )
            await http.respond_error(error.error_status_hint)
        return None

    async def _serve_all(self, request: EngineRequest) -> EngineRequest | None:
        try:
            async with trio.open_nursery() as self._nursery:
                return await self._serve(request)
        except BaseExceptionGroup as group:
            _, rest = group.split(trio.Cancelled)
            raise (rest or group).exceptions[0] from None

    async def _serve(self, request: EngineRequest | None) -> EngineRequest | None:
        handover = self._service.handover
        while request is not None:
            if request.upgrade or (handover is not None and handover.applies(self.http, request)):
                return request
            self._exchange = Exchange(request, self.http, self._service)
            if not await self._answer(self._exchange) or self._service.is_stopping:
                break
            request = await self.http.next_request()
        return None

    async def _answer(self, exchange: Exchange) -> bool:
        """Answer one request, and return whether the connection can carry another."""
        request, engine = exchange.request, self._engine
        if not self._site.is_for_engine(request):
            return await self._answer_outside(exchange)
        if self.http.offers_upgrade and asks_for_other_protocol(request.headers):
            return await exchange.respond(OTHER_PROTOCOL)
        response = await exchange.refusal()
        if response is not None:
            return await exchange.respond(response)
        if not request.sid:
            if self._service.refuses(request):
                return await exchange.respond(STOPPING)
            return await self._poll(engine.open_polling(request, trio.current_time()))
        polling = engine.polling(engine.sessions[request.sid])
        if request.method == "GET":
            return await self._poll(polling)
        if request.method == "POST":
            limit = engine.options.max_http_buffer_size
            return await exchange.respond(await answer_post(exchange, polling, limit, self._service.logger))
        return await exchange.respond(METHOD_NOT_ALLOWED)

    async def _answer_outside(self, exchange: Exchange) -> bool:
        """Answer a request that is not for the engine."""
        response = self._site.respond_outside_engine(exchange.request)
        application = self._service.application
        if response is None and application is not None:
            return await application.respond(exchange.request, self.http)
        return await exchange.respond_plainly(response or NOT_FOUND)

    # polls

    async def _poll(self, polling: PollingTransport) -> bool:
        http = self.http
        self._is_ready = False
        refused = polling.begin_poll(self._poll_is_ready)
        if refused is not None:
            return await self._exchange.respond(refused)
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
            self._service.polls.add(self)

    def _lose_poll(self, description: str) -> None:
        if self._waiting is not None:
            polling, self._waiting = self._waiting, None
            polling.poll_lost(description)

    def give_up(self) -> None:
        """End the connection."""
        self.http.scope.cancel()

    def answer_poll(self) -> None:
        """Write the answer to the waiting poll. Do nothing if no poll waits, or only a later one that is not ready."""
        polling = self._waiting
        if polling is None or not self._is_ready:
            return
        self._waiting = None
        request = self._exchange.request
        response = self._exchange.finished(
            polling.collect(self.http.writer.delivery), initial=not request.sid
        )
        request.response_headers = ()  # frees them, as the session may keep its request
        compression = self._engine.options.http_compression
        coding = coding_of(response, request, compression)
        if coding is not None and compression is not None:
            if coding and len(response.body) > compression.worker_bytes:
                polling.delay_answer()
                self._finish_poll(
                    polling, partial(self._respond_encoded, polling, response, coding, compression.level)
                )
                return
            response = encoded(response, coding, compression.level)
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
        limiter = self._service.compressing
        response = await trio.to_thread.run_sync(encoded, response, coding, level, limiter=limiter)
        instead = polling.begin_answer()
        if instead is not None:
            response = self._exchange.finished(instead)
        await self.http.finish_response(self.http.begin_response(response))

    def _finish_poll(self, polling: PollingTransport, write: Callable[[], Awaitable[None]]) -> None:
        """Start a task that writes the answer, or the rest of it."""
        self.http.reader.suspend()
        self._nursery.start_soon(self._confirm_poll, polling, write, name="answer to a poll")

    @trio.lowlevel.enable_ki_protection
    async def _confirm_poll(self, polling: PollingTransport, write: Callable[[], Awaitable[None]]) -> None:
        try:
            await write()
        except (*GONE, trio.TooSlowError):
            self._poll_broke(polling)
        except BaseException:
            polling.poll_lost("the connection of a poll closed while its answer was written")
            raise
        else:
            self._poll_written(polling)

    def _poll_written(self, polling: PollingTransport) -> None:
        now = trio.current_time()
        polling.poll_written(now)
        self.http.responded(now, stop=self._service.is_stopping)

    def _poll_broke(self, polling: PollingTransport) -> None:
        polling.poll_lost("the connection of a poll closed while its answer was written")
        self.give_up()
