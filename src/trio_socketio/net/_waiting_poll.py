"""The poll that waits on one connection, and its answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

import trio

from trio_socketio.engineio import EngineResponse, PollingTransport
from trio_socketio.net._encoding import coding_of, encoded
from trio_socketio.net._exchange import Exchange
from trio_socketio.net._http1 import GONE, Http1Connection
from trio_socketio.net._service import EngineService

__all__ = ["PollOwner", "WaitingPoll", "Write"]

#: An async function that writes a response, or the rest of it.
Write = Callable[[], Awaitable[None]]


class PollOwner(Protocol):
    """The connection on which a poll waits."""

    def write_in_task(self, write: Write) -> None:
        """Start a task that calls this function, for an answer that cannot be written at once."""

    def poll_is_written(self, now: float) -> None:
        """Go on, because the answer is written. ``now`` is the time."""

    def give_up(self) -> None:
        """End the connection."""


class WaitingPoll:
    """The poll that waits on one connection. ``Polls`` answers it when there are packets.

    Only a waiting poll may refer to its owner: a reference cycle that lasts would keep every connection until a full
    collection, which takes a tenth of a second with 10,000 clients.

    Args:
        service: shared by all requests to the engine.
        http: the connection.
        owner: serves the connection.
        exchange: the request, and its answer.
    """

    __slots__ = ("_exchange", "_http", "_is_ready", "_owner", "_service", "_waiting")

    def __init__(
        self, service: EngineService, http: Http1Connection, owner: PollOwner, exchange: Exchange
    ) -> None:
        self._service = service
        self._http = http
        self._owner = owner
        self._exchange = exchange
        self._waiting: PollingTransport | None = None
        self._is_ready = False

    @property
    def waits(self) -> bool:
        """Whether a poll waits."""
        return self._waiting is not None

    def begin(self, polling: PollingTransport) -> EngineResponse | None:
        """Let the poll wait. Afterwards call ``answer_if_ready``.

        Args:
            polling: the transport of its session.

        Returns:
            The response, if the poll is refused.
        """
        refused = polling.begin_poll(self._notify)
        if refused is None:
            self._waiting = polling
        return refused

    def _notify(self) -> None:
        self._is_ready = True
        if self._waiting is not None:
            self._service.polls.add(self)

    def answer_if_ready(self) -> None:
        """Answer the poll if its session has packets already."""
        if self._is_ready:
            self.answer_poll()

    def lose(self, description: str) -> None:
        """End the session of the waiting poll, because its connection has ended. Do nothing if no poll waits."""
        if self._waiting is not None:
            polling, self._waiting = self._waiting, None
            polling.poll_lost(description)

    def give_up(self) -> None:
        """End the connection."""
        self._owner.give_up()

    def answer_poll(self) -> None:
        """Write the answer, unless the poll no longer waits."""
        polling = self._waiting
        if polling is None:
            return
        self._waiting = None
        request = self._exchange.request
        response = self._exchange.finished(
            polling.collect(self._http.writer.delivery), initial=not request.sid
        )
        request.response_headers = ()  # frees them, as the session may keep its request
        compression = self._service.engine.options.http_compression
        coding = coding_of(response, request, compression)
        if coding is not None and compression is not None:
            if coding and len(response.body) > compression.worker_bytes:
                polling.delay_answer()
                self._finish(
                    polling, partial(self._respond_encoded, polling, response, coding, compression.level)
                )
                return
            response = encoded(response, coding, compression.level)
        try:
            rest = self._http.begin_response(response)
        except trio.BrokenResourceError:
            self._broke(polling)
            return
        if rest:
            self._finish(polling, partial(self._http.finish_response, rest))
        else:
            self._confirm(polling)

    async def _respond_encoded(
        self, polling: PollingTransport, response: EngineResponse, coding: str, level: int
    ) -> None:
        limiter = self._service.compressing
        response = await trio.to_thread.run_sync(encoded, response, coding, level, limiter=limiter)
        instead = polling.begin_answer()
        if instead is not None:
            response = self._exchange.finished(instead)
        await self._http.finish_response(self._http.begin_response(response))

    def _finish(self, polling: PollingTransport, write: Write) -> None:
        self._owner.write_in_task(partial(self._write, polling, write))

    @trio.lowlevel.enable_ki_protection
    async def _write(self, polling: PollingTransport, write: Write) -> None:
        try:
            await write()
        except (*GONE, trio.TooSlowError):
            self._broke(polling)
        except BaseException:
            polling.poll_lost("the connection of a poll closed while its answer was written")
            raise
        else:
            self._confirm(polling)

    def _confirm(self, polling: PollingTransport) -> None:
        now = trio.current_time()
        polling.poll_written(now)
        self._owner.poll_is_written(now)

    def _broke(self, polling: PollingTransport) -> None:
        polling.poll_lost("the connection of a poll closed while its answer was written")
        self._owner.give_up()
