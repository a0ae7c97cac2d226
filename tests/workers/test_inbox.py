"""The messages of other workers that wait for the adapter."""

from __future__ import annotations

from typing import Any

import pytest

from trio_socketio.adapters import BusError
from trio_socketio.workers._inbox import INBOX_BYTES, MESSAGES_AT_ONCE, Came, Gap, Gone, Inbox


@pytest.fixture
def inbox() -> Inbox:
    inbox = Inbox()
    inbox.channels = {"a", "b"}
    return inbox


async def test_messages_and_workers_keep_their_order(inbox: Inbox) -> None:
    seen: list[Any] = []
    inbox.put([("a", b"1"), ("other", b"2"), ("b", b"3")])
    inbox.note(Gone("first"))
    inbox.note(Came("second"))
    inbox.put([("a", b"4")])
    for _ in range(2):
        seen.append(
            await inbox.receive(lambda name: seen.append(f"+{name}"), lambda name: seen.append(f"-{name}"))
        )
    assert seen == [[("a", b"1"), ("b", b"3")], "-first", "+second", [("a", b"4")]]


async def test_gap_is_reported_after_the_messages_before_it(inbox: Inbox) -> None:
    inbox.put([("a", b"1")])
    inbox.note(Gap("lost"))
    inbox.put([("a", b"2")])
    assert await inbox.receive(print, print) == [("a", b"1")]
    with pytest.raises(BusError, match="lost"):
        await inbox.receive(print, print)
    assert await inbox.receive(print, print) == [("a", b"2")]


async def test_messages_for_which_there_is_no_room_are_one_gap(inbox: Inbox) -> None:
    large = bytes(INBOX_BYTES // 4)
    inbox.put([("a", large)] * 10)
    assert len(await inbox.receive(print, print)) == 3
    with pytest.raises(BusError, match="could not keep up"):
        await inbox.receive(print, print)
    inbox.put([("a", large)])
    assert await inbox.receive(print, print) == [("a", large)]


async def test_messages_are_returned_in_pieces(inbox: Inbox) -> None:
    inbox.put([("a", b"")] * (MESSAGES_AT_ONCE + 1))
    assert len(await inbox.receive(print, print)) == MESSAGES_AT_ONCE
    assert len(await inbox.receive(print, print)) == 1


async def test_nothing_is_kept_without_an_adapter() -> None:
    inbox = Inbox()
    inbox.put([("a", b"1")])
    inbox.note(Came("first"))
    inbox.channels = {"a"}
    inbox.put([("a", b"2")])
    assert await inbox.receive(print, print) == [("a", b"2")]
