"""The link of a server to its bus: it is made, used by three tasks, and renewed when it is lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import trio

from trio_socketio._adapter_health import AdapterState
from trio_socketio.adapters.cluster._backoff import Backoff
from trio_socketio.adapters.cluster._bus import Bus, BusRefused
from trio_socketio.adapters.cluster._census import Census
from trio_socketio.adapters.cluster._counters import Counters
from trio_socketio.adapters.cluster._publisher import Publisher
from trio_socketio.adapters.cluster._queue import PublishQueue
from trio_socketio.adapters.cluster._subscriptions import Subscriptions

__all__ = ["Link"]

Deliver = Callable[[Sequence[tuple[str, bytes]]], None]


class Link:
    """Keeps a bus connected.

    While the link works, one task publishes the queue, one receives, one keeps the subscriptions, and one checks the
    link. When one of them fails, all are ended, and the bus connects again.

    Args:
        bus: the bus.
        queue: the messages to publish.
        subscriptions: the wanted channels.
        counters: counts what is published, received and lost.
        census: counts the servers, so that publishing waits for them; None: the bus does not count, or keeps a history.
        timeout: how long one call of the bus may take, in seconds, except for ``receive``.
        down_after: after how many seconds without a link the state is ``DOWN``.
        changed: called with the new state, and the reason if the link is lost.

    Attributes:
        state: the state of the link.
    """

    def __init__(
        self,
        bus: Bus,
        queue: PublishQueue,
        subscriptions: Subscriptions,
        counters: Counters,
        census: Census | None,
        *,
        timeout: float,
        down_after: float,
        changed: Callable[[AdapterState, Exception | None], None],
    ) -> None:
        self.bus = bus
        self.state = AdapterState.DEGRADED
        self._queue, self._subscriptions, self._counters = queue, subscriptions, counters
        self._census = census
        self._timeout, self._down_after = timeout, down_after
        self._changed = changed
        self._publisher = Publisher(queue, counters, timeout, self._published)
        self._backoff = Backoff()
        self._failure: Exception | None = None
        self._ready = trio.Event()  # set while the wanted channels are subscribed to
        self._was_ready = False
        self._lost_since = 0.0

    async def ready(self) -> None:
        """Wait until there is a link on which all channels were subscribed to."""
        await self._ready.wait()

    def _set_state(self, state: AdapterState, reason: Exception | None = None) -> None:
        if state is not self.state:
            self.state = state
            self._queue.is_patient = state is not AdapterState.DOWN
            self._changed(state, reason)

    async def run(self, deliver: Deliver) -> None:
        """Keep the bus connected until cancelled. Then close it, and drop what is queued.

        Args:
            deliver: takes received messages, pairs of channel and content.
        """
        self._lost_since = trio.current_time()
        self._was_ready, self._queue.is_patient = False, True
        try:
            while True:
                await self._use(deliver)
                self._ready = trio.Event()
                await self._close()
                await self._wait_while_lost(trio.sleep, self._backoff.next())
        finally:
            self._ready, self.state = trio.Event(), AdapterState.DEGRADED
            with trio.move_on_after(1, shield=True):
                await self._close()
            self._publisher.abandon()
            self._queue.abandon()

    async def _wait_while_lost(self, function: Callable[..., Awaitable[object]], *args: float) -> None:
        """Call a function without a link. When it takes too long, the state becomes ``DOWN``, and the call goes on."""
        if self.state is AdapterState.DOWN:
            await function(*args)
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._go_down)
            await function(*args)
            nursery.cancel_scope.cancel()

    async def _go_down(self) -> None:
        await trio.sleep_until(self._lost_since + self._down_after)
        self._set_state(AdapterState.DOWN, self._failure)

    async def _close(self) -> None:
        try:
            await self.bus.aclose()
        except Exception as error:
            self._failure = error

    # one link

    async def _use(self, deliver: Deliver) -> None:
        """Connect, and use the link until it is lost."""
        self._failure = None
        try:
            await self._wait_while_lost(self._connect)
        except* Exception as group:
            error: BaseException = group
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
            assert isinstance(error, Exception)
            self._failure = error
        if self._failure is None:
            async with trio.open_nursery() as nursery:
                scope = nursery.cancel_scope
                nursery.start_soon(self._ends, scope, self._receive, deliver)
                nursery.start_soon(self._ends, scope, self._subscribe)
                nursery.start_soon(self._ends, scope, self._publish)
                if self._census is not None:
                    nursery.start_soon(self._ends, scope, self._census.watch)
                if self.bus.check_interval is not None:
                    nursery.start_soon(self._ends, scope, self._check, self.bus.check_interval)
        if self._ready.is_set():
            self._lost_since = trio.current_time()
        if self.state is AdapterState.UP:
            self._set_state(AdapterState.DEGRADED, self._failure)

    async def _connect(self) -> None:
        with trio.fail_after(self._timeout):
            await self.bus.connect()

    async def _ends(
        self, scope: trio.CancelScope, function: Callable[..., Awaitable[object]], *args: object
    ) -> None:
        """Run one of the tasks of a link. Its failure ends the link, also if it is a bug of the bus."""
        try:
            await function(*args)
        except Exception as error:
            if self._failure is None:
                self._failure = error
            scope.cancel()

    async def _subscribe(self) -> None:
        await self._subscriptions.keep(self.bus, self._timeout, self._subscribed)

    def _subscribed(self) -> None:
        if self._ready.is_set():
            return
        if self._was_ready and not self.bus.keeps_history:
            self._counters.gaps += 1
        self._was_ready = True
        self._backoff.reset()
        self._ready.set()
        self._set_state(AdapterState.UP)

    async def _receive(self, deliver: Deliver) -> None:
        while True:
            messages = await self.bus.receive()
            self._counters.received += len(messages)
            deliver(messages)

    async def _check(self, interval: float) -> None:
        while True:
            await trio.sleep(interval)
            with trio.fail_after(self._timeout):
                await self.bus.check()

    async def _publish(self) -> None:
        await self._ready.wait()  # else answers to published requests would be missed
        if self._census is not None:
            await self._census.complete()
        await self._publisher.run(self.bus)

    def _published(self, refusal: BusRefused | None) -> None:
        self._set_state(AdapterState.UP if refusal is None else AdapterState.DEGRADED, refusal)
