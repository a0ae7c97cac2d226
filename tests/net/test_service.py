"""Which requests a server answers in each of its states, and what it reports to health checks."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.http import HttpBench

from trio_socketio.net._health import Health, HostState


@pytest.mark.parametrize(
    ("state", "new", "known"),
    [
        (HostState.RUNNING, False, False),
        (HostState.DRAINING, True, False),
        (HostState.STOPPING, True, True),
    ],
)
async def test_state_decides_which_requests_are_refused(state: HostState, new: bool, known: bool) -> None:
    http = HttpBench()
    http.service.state = state
    assert http.service.refuses(http.bench.request("EIO=4&transport=polling")) is new
    assert http.service.refuses(http.bench.request("EIO=4&transport=polling&sid=a")) is known
    assert http.service.is_stopping is (state is HostState.STOPPING)


async def test_health_counts_clients_and_seconds(autojump_clock: Any) -> None:
    http = HttpBench()
    http.bench.polling()
    await trio.sleep(2.5)
    assert http.service.health() == Health("ok", 1, 2.5)
    http.service.state = HostState.DRAINING
    assert http.service.health() == Health("draining", 1, 2.5)
