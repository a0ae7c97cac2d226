"""Answers the HTTP requests of one connection, one after the other, including its waiting polls."""

from __future__ import annotations

import h11
import trio

from trio_socketio.engineio import EngineRequest, EngineResponse, PollingTransport
from trio_socketio.net._exchange import Exchange
from trio_socketio.net._head import asks_for_other_protocol
from trio_socketio.net._http1 import Http1Connection
from trio_socketio.net._posts import answer_post, finish_post
from trio_socketio.net._rest import Rest
from trio_socketio.net._service import EngineService
from trio_socketio.net._site import NOT_FOUND, Site
from trio_socketio.net._waiting_poll import WaitingPoll, Write

__all__ = ["Requests"]

OTHER_PROTOCOL = EngineResponse(426, [("Upgrade", "websocket"), ("Content-Length", "0")], close=True)


class Requests:
    """The requests of one connection. Its task reads them; another task answers a poll that waits.

    Args:
        service: shared by all requests to the engine.
        site: answers requests that are not for the engine.
        http: the connection.
        received: what another process has read from the connection, which it has handed over; blank: this process has
            accepted it.
        rest: what a connection without a task has left to this one; None: nothing was read yet.
    """

    _nursery: trio.Nursery

    def __init__(
        self,
        service: EngineService,
        site: Site,
        http: Http1Connection,
        received: bytes = b"",
        rest: Rest | None = None,
    ) -> None:
        self.http = http
        self._received = received
        self._rest = rest
        self._service = service
        self._site = site

    async def serve(self) -> EngineRequest | None:
        """Answer requests until the connection ends, or a request needs more than a response.

        Returns:
            The request for a WebSocket, or for a session of another process, which the caller handles; None: the
            connection has ended.
        """
        http = self.http
        try:
            request = await self._first_request()
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

    async def _first_request(self) -> EngineRequest | None:
        http, rest = self.http, self._rest
        if self._received:
            return http.handed_request(self._received)
        if rest is None:
            return await http.first_request()
        if rest.error is not None:
            raise rest.error
        if rest.is_over:
            return None
        if rest.begins_next:
            http.begin_next()
            return await http.first_request()
        return rest.request

    async def _serve_all(self, request: EngineRequest) -> EngineRequest | None:
        try:
            async with trio.open_nursery() as self._nursery:
                return await self._serve(request)
        except BaseExceptionGroup as group:
            rest = group.split(trio.Cancelled)[1]
            try:
                raise (rest or group).exceptions[0] from None
            finally:
                del rest  # its traceback refers to this frame

    async def _serve(self, request: EngineRequest | None) -> EngineRequest | None:
        handover = self._service.handover
        while request is not None:
            if request.upgrade or (handover is not None and handover.applies(self.http, request)):
                return request
            exchange = Exchange(request, self.http, self._service)
            if not await self._answer(exchange) or self._service.is_stopping:
                break
            request = await self.http.next_request()
        return None

    async def _answer(self, exchange: Exchange) -> bool:
        """Answer one request, and return whether the connection can carry another."""
        request = exchange.request
        if self._rest is not None and self._rest.post is not None:
            post, self._rest = self._rest.post, None
            return await exchange.respond(await finish_post(exchange, *post))
        if not self._site.is_for_engine(request):
            return await self._answer_outside(exchange)
        if self.http.offers_upgrade and asks_for_other_protocol(request.headers):
            return await exchange.respond(OTHER_PROTOCOL)
        response = await exchange.refusal()
        if response is not None:
            return await exchange.respond(response)
        polling = exchange.polling()
        if isinstance(polling, EngineResponse):
            return await exchange.respond(polling)
        if request.method == "GET":
            return await self._poll(exchange, polling)
        limit = self._service.engine.options.max_http_buffer_size
        return await exchange.respond(await answer_post(exchange, polling, limit, self._service.logger))

    async def _answer_outside(self, exchange: Exchange) -> bool:
        """Answer a request that is not for the engine."""
        response = self._site.respond_outside_engine(exchange.request)
        application = self._service.application
        if response is None and application is not None:
            return await application.respond(exchange.request, self.http)
        return await exchange.respond_plainly(response or NOT_FOUND)

    # polls

    async def _poll(self, exchange: Exchange, polling: PollingTransport) -> bool:
        """Let a poll wait until another task has answered it; return whether another request can follow."""
        http = self.http
        poll = WaitingPoll(self._service, http, self, exchange)
        refused = poll.begin(polling)
        if refused is not None:
            return await exchange.respond(refused)
        http.reader.hold()
        poll.answer_if_ready()
        try:
            if not await http.reader.released():
                poll.lose("poll connection closed prematurely")
                return False
        except BaseException:
            poll.lose("the poll was cancelled")
            raise
        return http.is_reusable

    def write_in_task(self, write: Write) -> None:
        """Start a task that writes the answer to the waiting poll."""
        self.http.reader.suspend()
        self._nursery.start_soon(write, name="answer to a poll")

    def poll_is_written(self, now: float) -> None:
        """Let the task of the connection go on."""
        self.http.responded(now, stop=self._service.is_stopping)

    def give_up(self) -> None:
        """End the connection."""
        self.http.scope.cancel()
