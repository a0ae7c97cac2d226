"""The reactor of a server: deadlines of its WebSockets, and its end."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from support.reactor import Bench, text

from trio_socketio._core import Reactor
from trio_socketio.net._reactor_host import ReactorHost

pytestmark = pytest.mark.skipif(Reactor is None, reason="the reactor is for Linux")


class WebSocket:
    """A WebSocket of a host, which notes when it was dropped."""

    def __init__(self, host: ReactorHost) -> None:
        self._host = host
        self.dropped_at: float | None = None
        host.enter(self)

    def drop(self) -> None:
        self.dropped_at = trio.current_time()
        self._host.forget(self)


@asynccontextmanager
async def running() -> AsyncIterator[ReactorHost]:
    host = ReactorHost.make(5.0, logging.getLogger("test.reactor"))
    assert host is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(host.run)
        yield host
        nursery.cancel_scope.cancel()


async def test_websocket_is_dropped_at_its_deadline(autojump_clock: Any) -> None:
    async with running() as host:
        late, early, none = WebSocket(host), WebSocket(host), WebSocket(host)
        host.end_at(late, 4.0)
        host.end_at(early, 2.0)
        await trio.sleep(10.0)
        assert (early.dropped_at, late.dropped_at) == (pytest.approx(2.0), pytest.approx(4.0))
        assert none.dropped_at is None
        assert host.drivers == {none}


async def test_later_deadline_replaces_the_earlier(autojump_clock: Any) -> None:
    async with running() as host:
        websocket = WebSocket(host)
        host.end_at(websocket, 2.0)
        host.end_at(websocket, 6.0)
        await trio.sleep(10.0)
        assert websocket.dropped_at == pytest.approx(6.0)


async def test_end_of_the_last_websocket_is_reported_once() -> None:
    async with running() as host:
        calls: list[int] = []
        host.on_idle = lambda: calls.append(len(host.drivers))
        first, last = WebSocket(host), WebSocket(host)
        first.drop()
        assert calls == []
        last.drop()
        assert calls == [0]


async def test_cancelled_host_drops_all_websockets() -> None:
    async with running() as host:
        websockets = [WebSocket(host) for _ in range(3)]
    assert all(websocket.dropped_at is not None for websocket in websockets)
    assert host.drivers == set()


async def test_read_once_does_not_wait_for_all_input_of_an_ended_connection() -> None:
    """Overdue timers wait for it, so one client after the other could hold them up."""
    async with running() as host:
        bench = Bench()
        bench.reactor.close()
        bench.reactor = host.reactor
        peer = bench.peer()
        peer.send(text("x") * 5000)
        peer.client.close()
        await host.read_once()
        assert 0 < len(peer.log) < 1000
