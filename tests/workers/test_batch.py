"""The encoding of messages on the mesh."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trio_socketio.workers._batch import BusMessage, pack, unpack
from trio_socketio.workers._packet import BadPacket
from trio_socketio.workers._pair import INLINE_BYTES

MESSAGES = st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.binary()))


@given(MESSAGES)
def test_messages_arrive_in_order(batch: list[BusMessage]) -> None:
    packets = list(pack(batch))
    assert [message for packet, _ in packets for message in unpack(packet)] == batch
    assert [count for _, count in packets] == [len(unpack(packet)) for packet, _ in packets]


def test_only_a_large_message_makes_a_large_packet() -> None:
    batch = [("a", bytes(size)) for size in (10, INLINE_BYTES, 30_000, 30_000, 30_000, 0)]
    assert [count for _, count in pack(batch)] == [1, 1, 2, 2]
    assert [len(packet) > INLINE_BYTES for packet, _ in pack(batch)] == [False, True, False, False]


@given(st.binary())
@example(b"\0\0\0\0\0\1")
@example(b"\0\1\0\0\0\0\xff")
@example(b"\0\0\xff\xff\xff\xff" + bytes(100))
def test_garbage_is_refused_or_read_as_messages(packet: bytes) -> None:
    try:
        messages = unpack(packet)
    except BadPacket:
        return
    assert b"".join(packet for packet, _ in pack(messages)) == packet


def test_name_of_a_channel_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="has 65536 bytes"):
        list(pack([("a" * 65_536, b"")]))
