"""One HTTP connection without a task of its own: requests that need no waiting are answered where they are read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

import h11
import trio

from trio_socketio._core import PayloadReader, track, untrack
from trio_socketio.engineio import EngineRequest, EngineResponse, PollingTransport
from trio_socketio.net._admission import STOPPING
from trio_socketio.net._exchange import Exchange
from trio_socketio.net._handshake import handshake_at_once
from trio_socketio.net._http1 import Http1Connection
from trio_socketio.net._posts import begin_arrived_post
from trio_socketio.net._reactor_driver import ReactorDriver
from trio_socketio.net._rest import HttpShared, Rest
from trio_socketio.net._timeouts import TimeoutQueue
from trio_socketio.net._upgrades import Opening
from trio_socketio.net._waiting_poll import WaitingPoll, Write

__all__ = ["TasklessConnection", "Watcher"]

#: The largest body of a POST that is handled at once.
POST_BYTES = 4096


class Watcher(Protocol):
    """Calls ``readable`` of the connections that it watches; ``HttpReactor`` is one."""

    def watch(self, connection: TasklessConnection) -> None:
        """Call ``readable`` whenever bytes, or the end, have arrived."""

    def unwatch(self, connection: TasklessConnection) -> None:
        """Stop calling ``readable``."""

    def forget(self, connection: TasklessConnection) -> None:
        """Remove a connection that is closed, or that a task serves from now on."""

    def start(self, connection: TasklessConnection, write: Write) -> None:
        """Start a task that writes a response."""


class TasklessConnection:
    """One HTTP connection over a plain socket that needs no task.

    It answers GETs and POSTs of polling sessions if nothing has to be waited for but packets for a poll; preflights;
    and opening handshakes. At anything else a task takes the connection, and keeps it: for other
    requests, functions of the application, large bodies, pipelined requests, malformed requests, and the end of a
    connection after its last response.

    Args:
        shared: what all connections share.
        http: the connection, over a plain socket.
        watcher: tells when bytes have arrived.
        done: called once, when the connection is closed or has a ``rest``.

    Attributes:
        descriptor: the descriptor of the socket.
        rest: what is left to a task, which then owns the connection; None: the connection is served, or has ended.
        driver: the driver that has taken the socket over, for a WebSocket; None: there is none.
    """

    __slots__ = (
        "_done", "_http", "_is_open", "_most", "_poll", "_queue", "_shared", "_watcher", "descriptor", "driver",
        "rest",
    )  # fmt: skip

    def __init__(
        self,
        shared: HttpShared,
        http: Http1Connection,
        watcher: Watcher,
        done: Callable[[TasklessConnection], None],
    ) -> None:
        assert isinstance(http.stream, trio.SocketStream)
        self.descriptor = http.stream.socket.fileno()
        self.rest: Rest | None = None
        self.driver: ReactorDriver | None = None
        self._shared = shared
        self._http = http
        self._watcher = watcher
        self._done = done
        self._is_open = True
        self._most = shared.timeouts.limits.max_header_bytes
        self._queue: TimeoutQueue | None = None
        self._poll: WaitingPoll | None = None

    # the end

    def cancel(self) -> None:
        """Close the connection, because it has taken too long, is broken, or the server stops."""
        if self._is_open:
            self._lose_poll("the poll was cancelled")
            self._end()
            assert isinstance(self._http.stream, trio.SocketStream)
            self._http.stream.socket.close()
            self._done(self)

    def stop(self) -> None:
        """Close the connection if it waits for a request, because the server stops."""
        if self._queue is not None:
            self.cancel()

    def _leave(self, rest: Rest) -> None:
        """Leave the connection to a task."""
        self._end()
        self.rest = rest
        self._done(self)

    def _end(self) -> None:
        self._is_open = False
        self._poll = None
        track(self, *self._http.parts)
        self._wait_in(None)
        self._watcher.forget(self)

    # reading

    def begin(self) -> None:
        """Wait for the first request.

        It is read with the other connections in the next turn, not at once: on another connection, a request that has
        arrived before may still wait for its task. Clients of version 1.0 send their last two POSTs on two connections.
        """
        untrack(self, *self._http.parts)
        self._wait_in(self._shared.timeouts.header)
        self._watcher.watch(self)

    def readable(self) -> None:
        """Read what has arrived, and answer a request that is complete."""
        reader = self._http.reader
        try:
            if not reader.receive_at_once():
                return
            if self._poll is not None:
                self._read_while_polling()
            elif not reader.needs_data:
                self._wait_in(None)
                self._begin_request()
            elif self._queue is self._shared.timeouts.keep_alive:
                self._wait_in(self._shared.timeouts.header)
        except h11.RemoteProtocolError as error:
            self._leave(Rest(http=self._http, error=error))

    def _read_while_polling(self) -> None:
        reader = self._http.reader
        if reader.has_ended:
            self._lose_poll("poll connection closed prematurely")
            self.cancel()
        elif len(reader.trailing_data) > self._most:
            self._watcher.unwatch(self)

    def _wait_in(self, queue: TimeoutQueue | None, now: float | None = None) -> None:
        if self._queue is not None:
            self._queue.discard(self)
        self._queue = queue
        if queue is not None:
            queue.add(self, now=now)

    # requests

    def _begin_request(self) -> None:
        request = self._http.current_request()
        if request is None:
            self.cancel()
            return
        if self._needs_task(request):
            self._leave(Rest(http=self._http, request=request))
            return
        exchange = Exchange(request, self._http, self._shared.service)
        response = self._shared.service.admission.check_now(request)
        if response is None:
            response = self._open(request) if request.upgrade else self._answer(exchange)
        if response is not None:
            self._respond(exchange.finished(response))

    def _needs_task(self, request: EngineRequest) -> bool:
        service, handover = self._shared.service, self._shared.service.handover
        return (
            (self._http.offers_upgrade and not request.upgrade)
            or not self._shared.site.is_for_engine(request)
            or service.is_stopping
            or service.admission.may_wait(request)
            or (handover is not None and handover.applies(self._http, request))
            or not (request.method in {"GET", "OPTIONS"} or self._is_small_post(request))
        )

    def _is_small_post(self, request: EngineRequest) -> bool:
        most = min(POST_BYTES, self._shared.service.engine.options.max_http_buffer_size)
        return request.method == "POST" and self._http.has_whole_body(request, most)

    def _answer(self, exchange: Exchange) -> EngineResponse | None:
        """Return the response to an admitted request; None: a poll waits or is answered, or a task answers."""
        polling = exchange.polling()
        if isinstance(polling, EngineResponse):
            return polling
        if exchange.request.method == "POST":
            return self._answer_post(exchange.request, polling)
        return self._begin_poll(exchange, polling)

    def _open(self, request: EngineRequest) -> EngineResponse | None:
        """Open a WebSocket, and let the reactor take it over; or return the response to a request that is refused."""
        if self._shared.service.refuses(request):
            return STOPPING
        switching = handshake_at_once(self._http.head)
        if not switching:
            self._leave(Rest(http=self._http, request=request))
            return None
        opening = self._shared.upgrades.open_on_reactor(self._http, request, switching)
        try:
            rest = self._http.begin_send(opening.data)
        except trio.BrokenResourceError:
            opening.driver.drop()
            raise
        if rest:
            self.write_in_task(partial(self._finish_opening, rest, opening))
        else:
            self._hand_to_reactor(opening)
        return None

    async def _finish_opening(self, rest: bytes, opening: Opening) -> None:
        try:
            await self._http.finish_response(rest)
        except BaseException:
            opening.driver.drop()
            raise
        self._hand_to_reactor(opening)

    def _hand_to_reactor(self, opening: Opening) -> None:
        if not self._is_open:  # as in ``_next``
            opening.driver.drop()
            return
        opening.sent()
        self._end()
        stream = self._http.stream
        assert isinstance(stream, trio.SocketStream)
        try:
            opening.driver.take_over(stream, self._http.trailing_data)
            self.driver = opening.driver
        finally:
            self._done(self)

    def _answer_post(self, request: EngineRequest, polling: PollingTransport) -> EngineResponse | None:
        answer = begin_arrived_post(request, polling, partial(self._http.take_body, request))
        if isinstance(answer, PayloadReader):
            self._leave(Rest(http=self._http, request=request, post=(polling, answer)))
            return None
        return answer

    # the poll, and responses

    def _begin_poll(self, exchange: Exchange, polling: PollingTransport) -> EngineResponse | None:
        poll = WaitingPoll(self._shared.service, self._http, self, exchange)
        refused = poll.begin(polling)
        if refused is None:
            self._poll = poll
            poll.answer_if_ready()
            if poll.waits:
                self._watcher.watch(self)
        return refused

    def _lose_poll(self, description: str) -> None:
        if self._poll is not None:
            self._poll.lose(description)

    def poll_is_written(self, now: float) -> None:
        """Go on, because the poll is answered."""
        self._poll = None
        self._next(now)

    def give_up(self) -> None:
        """Close the connection, because it is broken."""
        self.cancel()

    def _respond(self, response: EngineResponse) -> None:
        rest = self._http.begin_response(response)
        if rest:
            self.write_in_task(partial(self._finish_response, rest))
        else:
            self._next(trio.current_time())

    async def _finish_response(self, rest: bytes) -> None:
        await self._http.finish_response(rest)
        self._next(trio.current_time())

    def write_in_task(self, write: Write) -> None:
        """Start a task that writes a response, and stop reading meanwhile."""
        self._watcher.unwatch(self)
        self._watcher.start(self, write)

    def _next(self, now: float) -> None:
        """Wait for the next request, after a response is written."""
        http = self._http
        if not self._is_open:  # closed while the task that wrote the last bytes was suspended
            return
        if not http.is_reusable:
            http.wrote_last()
            self._leave(Rest(http=http, is_over=True))
        elif self._shared.service.is_stopping:
            self.cancel()
        elif http.reader.has_ended or http.reader.trailing_data:
            self._leave(Rest(http=http, begins_next=True))
        else:
            http.begin_next()
            self._wait_in(self._shared.timeouts.keep_alive, now)
            self._watcher.watch(self)
