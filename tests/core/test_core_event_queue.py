"""The queue below an inbox: order, what counts, and when it is full."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_socketio._core import EventQueue


class Event(NamedTuple):
    number: int
    size: int


class Queue(EventQueue[Event]):
    """Keeps what it is told; accepts as long as it may."""

    def __init__(self, max_events: int, max_bytes: int) -> None:
        super().__init__(max_events, max_bytes)
        self.accepts = True
        self.log: list[str] = []

    def filled(self, first: bool) -> bool:
        self.log.append("filled" if first else "more")
        return self.accepts

    def drained(self) -> None:
        self.log.append("drained")


def test_order_is_kept_and_the_first_is_told_apart() -> None:
    queue = Queue(1000, 1000)
    assert not queue.has_waiting
    assert queue.take() is None
    assert queue.borrow() is None
    assert [queue.put(Event(number, 1)) for number in range(200)] == [True] + [False] * 199
    assert [event.number for _ in range(200) if (event := queue.take()) is not None] == list(range(200))
    assert (queue.count, queue.size_bytes, queue.has_waiting) == (0, 0, False)
    assert queue.put(Event(0, 1))


def test_what_is_borrowed_counts_until_it_is_done() -> None:
    queue = Queue(10, 1000)
    queue.put(Event(1, 7))
    event = queue.borrow()
    assert event == Event(1, 7)
    assert (queue.count, queue.size_bytes, queue.has_waiting) == (1, 7, False)
    assert queue.put(Event(2, 1))
    queue.done(event)
    assert (queue.count, queue.size_bytes) == (1, 1)


@pytest.mark.parametrize(("max_events", "max_bytes"), [(4, 1000), (1000, 40)])
def test_full_at_a_bound_until_half_is_free(max_events: int, max_bytes: int) -> None:
    queue = Queue(max_events, max_bytes)
    for number in range(5):
        queue.put(Event(number, 10))
    assert queue.is_full
    assert queue.log == ["filled", "more"]
    for _ in range(2):
        queue.take()
    assert queue.is_full
    queue.take()
    assert queue.log == ["filled", "more", "drained"]
    assert not queue.is_full


def test_what_is_not_accepted_is_not_queued() -> None:
    queue = Queue(1, 10)
    queue.accepts = False
    assert not queue.put(Event(1, 1))
    assert not queue.has_waiting


def test_clear_forgets_and_drains_once() -> None:
    queue = Queue(2, 10)
    queue.put(Event(1, 1))
    queue.put(Event(2, 1))
    queue.clear()
    queue.clear()
    assert queue.log == ["filled", "drained"]
    assert queue.take() is None


def test_an_event_has_a_size() -> None:
    queue = Queue(1, 1)
    with pytest.raises(AttributeError):
        queue.put("event")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        queue.put(None)  # type: ignore[arg-type]
    assert (queue.count, queue.size_bytes, queue.log) == (0, 0, [])


@given(st.lists(st.integers(-3, 8), max_size=400))
def test_it_is_a_deque(steps: list[int]) -> None:
    """A positive step puts so many, a negative one takes so many."""
    queue, model = Queue(10_000, 10_000_000), deque[Event]()
    number = 0
    for step in steps:
        for _ in range(step):
            number += 1
            event = Event(number, number % 5)
            model.append(event)
            assert queue.put(event) is (len(model) == 1)
        for _ in range(-step):
            assert queue.take() == (model.popleft() if model else None)
        assert (queue.count, queue.size_bytes) == (len(model), sum(event.size for event in model))
        assert queue.has_waiting is bool(model)
