"""The detection of messages that a bus delivers twice."""

from __future__ import annotations

import random

from support.cluster import cluster, is_quiet

from trio_socketio._core import Copies
from trio_socketio.adapters.cluster import MessageType, encode


def test_each_number_of_a_server_passes_once_in_any_order_near_by() -> None:
    copies, dice = Copies(), random.Random(3)
    numbers = sorted(range(5000), key=lambda number: number + dice.randrange(500))
    seen = set()
    for number in (item for pair in zip(numbers, numbers[:], strict=True) for item in pair):
        assert copies.is_copy("a", "ch", number) is (number in seen)
        seen.add(number)


def test_numbers_with_gaps_and_jumps_are_remembered_as_in_a_set() -> None:
    copies, dice = Copies(), random.Random(5)
    seen: set[int] = set()
    number = 0
    for _ in range(3000):
        number += dice.choice([1, 1, 1, 2, 63, 64, 65, 1023, 1024, 1025, 5000])
        for candidate in (number, max(number - dice.randrange(2000), 0)):
            is_old = candidate in seen or candidate <= max(seen, default=-1) - 1024
            assert copies.is_copy("a", "ch", candidate) is is_old
            seen = {item for item in seen | {candidate} if item > max(number, candidate) - 1024}


def test_servers_are_apart_and_an_old_number_is_a_copy() -> None:
    copies = Copies()
    assert not copies.is_copy("a", "ch", 5000)
    assert not copies.is_copy("b", "ch", 1)
    assert copies.is_copy("a", "ch", 3976)
    assert not copies.is_copy("a", "ch", 3977)


def test_number_of_servers_is_bounded() -> None:
    copies = Copies(2)
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
