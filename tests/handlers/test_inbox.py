"""The bounded inbox of a socket."""

from __future__ import annotations

from support.owner import Events, TestOwner, serving
from trio.testing import wait_all_tasks_blocked


async def test_full_inbox_pauses_reading_until_half_is_free() -> None:
    async with serving() as server:
        owner = TestOwner(server, max_events=4)
        owner.on("ev", lambda socket: None)
        for count in range(4):
            assert owner.is_full == (count == 4)
            owner.mailbox.receive(Events("ev"))
        assert owner.is_full
        owner.mailbox.ready()
        await wait_all_tasks_blocked()
        assert not owner.is_full
