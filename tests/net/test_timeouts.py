"""Timeout queues, whose deadlines one task watches."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_socketio.net._timeouts import TimeoutQueue, Timeouts


async def wait_in(queue: TimeoutQueue, **options: Any) -> float:
    """Wait until the queue cancels the wait, and return how long that took."""
    begun = trio.current_time()
    with trio.CancelScope() as scope:
        queue.add(scope, **options)
        await trio.sleep_forever()
    return trio.current_time() - begun


@pytest.fixture
async def timeouts(nursery: trio.Nursery) -> Timeouts:
    timeouts = Timeouts()
    nursery.start_soon(timeouts.run)
    return timeouts


async def test_scope_is_cancelled_after_the_time_of_its_queue(
    autojump_clock: Any, timeouts: Timeouts
) -> None:
    queue = timeouts.queue(5.0)
    assert await wait_in(queue) == pytest.approx(5.0)
    assert await wait_in(queue) == pytest.approx(5.0)


async def test_discarded_scope_is_not_cancelled(autojump_clock: Any, timeouts: Timeouts) -> None:
    queue = timeouts.queue(5.0)
    with trio.CancelScope() as scope:
        queue.add(scope)
        queue.discard(scope)
        queue.discard(scope)
        await trio.sleep(20.0)
    assert not scope.cancel_called


async def test_time_begins_anew_while_the_wait_makes_progress(
    autojump_clock: Any, timeouts: Timeouts
) -> None:
    progress = iter([True, True, False])
    assert await wait_in(timeouts.queue(5.0), goes_on=lambda: next(progress)) == pytest.approx(15.0)


async def test_earlier_deadline_of_another_queue_is_kept(
    autojump_clock: Any, timeouts: Timeouts, nursery: trio.Nursery
) -> None:
    nursery.start_soon(wait_in, timeouts.queue(60.0))
    await wait_all_tasks_blocked()
    assert await wait_in(timeouts.queue(5.0)) == pytest.approx(5.0)


async def test_time_counts_from_the_time_that_the_caller_passes(
    autojump_clock: Any, timeouts: Timeouts
) -> None:
    assert await wait_in(timeouts.queue(5.0), now=trio.current_time() - 2.0) == pytest.approx(3.0)
