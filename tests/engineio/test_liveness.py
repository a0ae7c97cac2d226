"""The decision how long to wait for a client that has not answered a ping in time."""

from __future__ import annotations

import pytest

from trio_socketio.engineio._liveness import LITTLE, Delivery, Look, first_look, is_late, look

TIMEOUT = 20.0
MUCH = 50_000


def _first(delivery: Delivery, queued: int = 0, *, is_behind: bool = True) -> tuple[float, Look] | None:
    return look(None, delivery, queued, TIMEOUT, is_behind=is_behind)


def _next(last: Look, delivery: Delivery, queued: int = 0) -> tuple[float, Look] | None:
    return look(last, delivery, queued, TIMEOUT, is_behind=True)


@pytest.mark.rows("P11", "B11")
@pytest.mark.parametrize("outstanding", [0, 50, MUCH])
def test_ping_with_nothing_before_it_is_not_waited_for(outstanding: int) -> None:
    assert _first(Delivery(1000, outstanding, 0.1), is_behind=False) is None


@pytest.mark.rows("P11")
def test_wait_lasts_as_long_as_bytes_are_acknowledged() -> None:
    acknowledged, verdict = 0, _first(Delivery(0, MUCH, 0.5))
    while acknowledged < MUCH - LITTLE:
        assert verdict is not None
        seconds, last = verdict
        assert seconds == TIMEOUT
        acknowledged += 5000
        verdict = _next(last, Delivery(acknowledged, MUCH - acknowledged, 0.5))
    assert verdict is not None
    assert _next(verdict[1], Delivery(MUCH + 100, 100, 0.5)) is None, "the ping has arrived long ago"


@pytest.mark.rows("P11")
def test_bytes_that_only_the_kernel_accepts_do_not_prolong_the_wait() -> None:
    verdict = _first(Delivery(0, MUCH, 0.5), queued=MUCH)
    assert verdict is not None
    assert _next(verdict[1], Delivery(0, 2 * MUCH, 20.5)) is None


@pytest.mark.rows("P11", "E16")
def test_wait_ends_if_nothing_was_acknowledged() -> None:
    assert _first(Delivery(0, MUCH, TIMEOUT)) is None
    assert _next(first_look(Delivery(7, MUCH), 0), Delivery(7, MUCH)) is None


@pytest.mark.rows("P11")
def test_when_all_has_arrived_there_is_one_more_timeout() -> None:
    verdict = _first(Delivery(MUCH, 0, 5.0))
    assert verdict is not None
    seconds, last = verdict
    assert seconds == TIMEOUT - 5.0
    assert _next(last, Delivery(MUCH + 500, 0, 0.1)) is None


@pytest.mark.rows("P11")
def test_wait_is_a_whole_timeout_if_the_last_acknowledgement_is_unknown() -> None:
    verdict = _first(Delivery(MUCH, 0))
    assert verdict is not None
    assert verdict[0] == TIMEOUT


@pytest.mark.rows("P11", "B11")
def test_bytes_written_after_the_ping_do_not_prolong_the_wait() -> None:
    """All that was on its way at one look has arrived by the next, and so has the ping, but more was sent since."""
    verdict = _next(first_look(Delivery(0, MUCH), 0), Delivery(MUCH, MUCH))
    assert verdict is not None
    assert _next(verdict[1], Delivery(2 * MUCH, MUCH)) is None


@pytest.mark.parametrize(("interval", "allowed"), [(20.0, 2.5), (0.1, 0.05)])
def test_timer_is_late_after_an_eighth_of_its_time_but_not_within_50_ms(
    interval: float, allowed: float
) -> None:
    assert not is_late(allowed, interval)
    assert is_late(allowed + 0.001, interval)
