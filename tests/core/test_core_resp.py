"""PUBLISH commands are those that the general encoder would give."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_socketio._core import pack_messages
from trio_socketio.adapters.redis._resp import pack


@given(st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=1200))))
def test_messages_are_packed_like_other_commands(messages: list[tuple[str, bytes]]) -> None:
    packed = pack_messages(b"PUBLISH", messages)
    assert packed == b"".join(pack(b"PUBLISH", channel.encode(), payload) for channel, payload in messages)


def test_channel_keeps_its_lone_surrogates() -> None:
    assert b"$3\r\n\xed\xa0\x80\r\n" in pack_messages(b"SPUBLISH", [("\ud800", b"")])


@pytest.mark.parametrize("message", [("c", "text"), (1, b""), ("c",), None], ids=repr)
def test_other_values_than_messages_are_refused(message: Any) -> None:
    with pytest.raises((TypeError, AttributeError, ValueError)):
        pack_messages(b"PUBLISH", [message])
