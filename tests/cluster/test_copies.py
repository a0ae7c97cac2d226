"""The detection of messages that a bus delivers twice."""

from __future__ import annotations

import random

import pytest

from trio_socketio.adapters.cluster import Copies


def test_each_number_of_a_server_passes_once_in_any_order_near_by() -> None:
    copies, dice = Copies(), random.Random(3)
    numbers = sorted(range(5000), key=lambda number: number + dice.randrange(500))
    seen = set()
    for number in (item for pair in zip(numbers, numbers[:], strict=True) for item in pair):
        assert copies.is_copy("a", number) is (number in seen)
        seen.add(number)


def test_servers_are_apart_and_an_old_number_is_a_copy() -> None:
    copies = Copies()
    assert not copies.is_copy("a", 5000)
    assert not copies.is_copy("b", 1)
    assert copies.is_copy("a", 3976)
    assert not copies.is_copy("a", 3977)


def test_number_of_servers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trio_socketio.adapters.cluster._copies.MOST_SERVERS", 2)
    copies = Copies()
    for uid in "abc":
        assert not copies.is_copy(uid, 1)
    assert copies.is_copy("c", 1)
    assert not copies.is_copy("a", 1)
