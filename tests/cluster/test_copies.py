"""The detection of messages that a bus delivers twice."""

from __future__ import annotations

import random

import pytest
from support.cluster import cluster, is_quiet

from trio_socketio.adapters.cluster import Copies, MessageType, encode


def test_each_number_of_a_server_passes_once_in_any_order_near_by() -> None:
    copies, dice = Copies(), random.Random(3)
    numbers = sorted(range(5000), key=lambda number: number + dice.randrange(500))
    seen = set()
    for number in (item for pair in zip(numbers, numbers[:], strict=True) for item in pair):
        assert copies.is_copy("a", "ch", number) is (number in seen)
        seen.add(number)


def test_servers_are_apart_and_an_old_number_is_a_copy() -> None:
    copies = Copies()
    assert not copies.is_copy("a", "ch", 5000)
    assert not copies.is_copy("b", "ch", 1)
    assert copies.is_copy("a", "ch", 3976)
    assert not copies.is_copy("a", "ch", 3977)


def test_number_of_servers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trio_socketio.adapters.cluster._copies.MOST_SOURCES", 2)
    copies = Copies()
    for uid in "abc":
        assert not copies.is_copy(uid, "ch", 1)
    assert copies.is_copy("c", "ch", 1)
    assert not copies.is_copy("a", "ch", 1)


async def test_channel_that_lags_far_behind_another_loses_nothing() -> None:
    event = {"packet": {"type": 2, "data": ["ev"]}, "opts": {"rooms": [], "except": [], "flags": {}}}
    async with cluster(1) as servers:
        node = servers.nodes[0]
        client = await node.wire.connect()
        answer = encode(
            "e" * 16, "/", MessageType.FETCH_SOCKETS_RESPONSE, {"requestId": "r", "sockets": []}, 5000
        )
        node.inject(answer, f"socket.io#/#{node.adapter.uid}#")
        node.inject(encode("e" * 16, "/", MessageType.BROADCAST, event, 1))
        assert await client.event() == ["ev"]
        assert await is_quiet(client)
        assert node.rejected == {}
