"""Slots of channels, and maps of clusters."""

from __future__ import annotations

from typing import Any

import pytest

from trio_socketio.adapters import BusError
from trio_socketio.adapters.redis._cluster_map import ClusterMap, read_map, slot_of

pytestmark = pytest.mark.rows("I10")


@pytest.mark.parametrize(
    ("channel", "slot"),
    [(b"123456789", 0x31C3), (b"foo", 12182), (b"{foo}bar", 12182), (b"a{foo}b}", 12182), (b"", 0)],
)
def test_slot_is_the_checksum_of_the_name_or_of_its_tag(channel: bytes, slot: int) -> None:
    assert slot_of(channel) == slot


def test_empty_tag_is_no_tag() -> None:
    assert len({slot_of(name) for name in (b"{}a", b"{}b", b"{a", b"{}")}) == 4


def test_slot_that_no_node_has_is_an_error() -> None:
    nodes = ClusterMap([10, 12000], [20, 12182], [("a", 1), ("b", 2)], set())
    assert nodes.master_of(b"foo") == ("b", 2)
    with pytest.raises(BusError, match="no node of the Redis cluster has slot 12739"):
        nodes.master_of(b"123456789")
    with pytest.raises(BusError, match="has slot 0"):
        nodes.master_of(b"")


def test_map_has_the_ranges_in_order_and_all_nodes() -> None:
    reply = [
        [100, 200, [b"b", 2, b"id", {}], [b"c", 3, b"id", {}]],
        [0, 99, [None, 1, b"id"], [b"", 4, b"id"]],
    ]
    nodes: set[Any] = {("a", 1), ("a", 4), ("b", 2), ("c", 3)}
    assert read_map("a", reply) == ClusterMap([0, 100], [99, 200], [("a", 1), ("b", 2)], nodes)


NODE = [b"a", 1, b"id"]


@pytest.mark.parametrize(
    "reply",
    [
        *(
            None,
            b"OK",
            [],
            [7],
            [[0, 1]],
            [[1, 0, NODE]],
            [[-1, 0, NODE]],
            [[0, 16384, NODE]],
            [[b"0", 1, NODE]],
        ),
        *([[0, 1, b"a"]], [[0, 1, []]], [[0, 1, [7, 1]]], [[0, 1, [b"a", 0]]], [[0, 1, NODE, [b"a", 65536]]]),
        [[slot // 2, 16383, NODE] for slot in range(16385)],
    ],
    ids=range(15),
)
def test_malformed_map_is_an_error(reply: Any) -> None:
    with pytest.raises(BusError, match=r"sends (a malformed|no) map"):
        read_map("a", reply)
