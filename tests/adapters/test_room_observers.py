"""The events of rooms, in Node's order and after the change."""

from __future__ import annotations

from typing import Any

import pytest
from support.adapters import Host, Member

from trio_socketio.adapters import ROOM_EVENTS, LocalAdapter

pytestmark = pytest.mark.rows("G21")


@pytest.fixture
def adapter() -> LocalAdapter[Member]:
    return LocalAdapter(Host())


def observe(adapter: LocalAdapter[Member]) -> list[tuple[str, ...]]:
    """What is told from now on: the event's first word, the room, and the member's id if there is one."""
    told: list[tuple[str, ...]] = []

    def observer(event: str) -> Any:
        return lambda *args: told.append((event.removesuffix("-room"), *args))

    for event in ROOM_EVENTS:
        adapter.on_room(event, observer(event))
    return told


def test_room_is_created_before_its_first_member_joins_and_deleted_after_its_last_has_left(adapter) -> None:
    told = observe(adapter)
    a, b = Member("a"), Member("b")
    adapter.add(a, ["x"])
    assert told == [("create", "a"), ("join", "a", "a"), ("create", "x"), ("join", "x", "a")]
    adapter.add(b, [])
    told.clear()
    adapter.join(b, ["x", "y"])
    assert told == [("join", "x", "b"), ("create", "y"), ("join", "y", "b")]
    told.clear()
    adapter.leave(a, ["x"])
    adapter.leave(b, ["x"])
    assert told == [("leave", "x", "a"), ("leave", "x", "b"), ("delete", "x")]


def test_calls_that_change_nothing_are_not_reported(adapter) -> None:
    told = observe(adapter)
    a = Member("a")
    adapter.add(a, ["x"])
    told.clear()
    adapter.join(a, ["x", "a"])
    adapter.leave(a, ["never"])
    adapter.remove(Member("a"))
    assert told == []


def test_removed_member_leaves_all_its_rooms_its_own_first(adapter) -> None:
    told = observe(adapter)
    a, b = Member("a"), Member("b")
    adapter.add(a, ["z", "y"])
    adapter.add(b, ["z"])
    told.clear()
    adapter.remove(a)
    assert told == [
        ("leave", "a", "a"), ("delete", "a"), ("leave", "y", "a"), ("delete", "y"), ("leave", "z", "a"),
    ]  # fmt: skip


def test_own_room_can_be_left_and_joined_again(adapter) -> None:
    told = observe(adapter)
    a = Member("a")
    adapter.add(a, [])
    told.clear()
    for _ in range(2):
        adapter.leave(a, ["a"])
    for _ in range(2):
        adapter.join(a, ["a"])
    assert told == [("leave", "a", "a"), ("delete", "a"), ("create", "a"), ("join", "a", "a")]
    adapter.leave(a, ["a"])
    told.clear()
    adapter.remove(a)
    assert told == []


def test_stranger_in_the_room_of_a_new_member_leaves_it_first(adapter) -> None:
    a, b = Member("a"), Member("b")
    adapter.add(a, ["b"])
    told = observe(adapter)
    adapter.add(b, ["a"])
    assert told == [("leave", "b", "a"), ("delete", "b"), ("create", "b"), ("join", "b", "b")]


def test_observer_sees_the_rooms_as_they_are_after_the_whole_change(adapter) -> None:
    a, seen = Member("a"), []
    adapter.add(a, [])
    for event in ROOM_EVENTS:
        adapter.on_room(event, lambda *args: seen.append(adapter.rooms_of(a)))
    adapter.join(a, ["x", "y"])
    assert seen == [{"a", "x", "y"}] * 4
    seen.clear()
    adapter.remove(a)
    assert seen == [frozenset()] * 6
