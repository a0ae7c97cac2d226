"""The tasks that handle events, shared by all mailboxes of a server."""

from __future__ import annotations

from collections.abc import Hashable
from contextvars import ContextVar

import pytest
import trio
from support.owner import Events, TestOwner, serving
from trio.testing import wait_all_tasks_blocked

from trio_socketio.handlers import IDLE, Event, concurrent

WORKER = "events of sockets"


async def test_one_worker_serves_mailboxes_whose_handlers_do_not_wait() -> None:
    async with serving() as server:
        owners = [TestOwner(server) for _ in range(5)]
        seen: list[TestOwner] = []

        async def handler(socket: TestOwner) -> None:
            seen.append(socket)

        for owner in owners:
            owner.on("ev", handler)
            owner.mailbox.ready()
        for owner in owners:
            owner.mailbox.receive(Events("ev"))
        await wait_all_tasks_blocked()
        assert seen == owners and set(server.started) == {WORKER}
        assert len(server.started) <= 2 and server.busy == 0


async def test_a_handler_that_waits_keeps_its_worker_and_its_order() -> None:
    async with serving() as server:
        slow, quick = TestOwner(server), TestOwner(server)
        seen: list[str] = []
        resume = trio.Event()

        async def handler(socket: TestOwner, name: str, *, waits: bool = False) -> None:
            if socket is slow:
                await resume.wait()
            seen.append(name)

        for owner in (slow, quick):
            owner.on("ev", handler)
            owner.mailbox.ready()
        for name in ("a", "b"):
            slow.mailbox.receive(Events("ev", [name]))
        quick.mailbox.receive(Events("ev", ["quick"]))
        await wait_all_tasks_blocked()
        assert seen == ["quick"] and slow.log == []
        slow.mailbox.receive(Events("ev", ["c"]))
        assert slow.log == ["waits"]
        resume.set()
        await wait_all_tasks_blocked()
        assert seen == ["quick", "a", "b", "c"] and slow.mailbox.state is IDLE


async def test_concurrent_events_overlap_and_start_in_order() -> None:
    async with serving(concurrent) as server:
        owner = TestOwner(server)
        begun: list[int] = []
        resume = trio.Event()

        async def handler(socket: TestOwner, number: int) -> None:
            begun.append(number)
            await resume.wait()

        owner.on("ev", handler)
        owner.mailbox.ready()
        for number in range(5):
            owner.mailbox.receive(Events("ev", [number]))
        await wait_all_tasks_blocked()
        assert begun == [*range(5)] and not owner.mailbox.is_idle
        resume.set()
        await wait_all_tasks_blocked()
        assert owner.mailbox.is_idle


async def test_events_with_a_key_are_handled_in_order_and_the_others_overlap() -> None:
    def key(event: Event) -> Hashable:
        return None if event.name == "free" else event.name

    async with serving(key) as server:
        owner = TestOwner(server)
        begun: list[int] = []
        resume = trio.Event()

        async def handler(socket: TestOwner, number: int) -> None:
            begun.append(number)
            await resume.wait()

        owner.on("free", handler)
        owner.on("ordered", handler)
        for number, name in enumerate(["free", "free", "ordered", "ordered"]):
            owner.mailbox.receive(Events(name, [number]))
        owner.mailbox.ready()
        await wait_all_tasks_blocked()
        assert sorted(begun) == [0, 1, 2]
        resume.set()
        await wait_all_tasks_blocked()
        assert begun[3:] == [3] and owner.mailbox.is_idle


@pytest.mark.parametrize("key", ["serial", "concurrent"])
async def test_end_cancels_the_handler_and_reports_the_event(key: str) -> None:
    async with serving(*([concurrent] if key == "concurrent" else [])) as server:
        owner = TestOwner(server)

        async def handler(socket: TestOwner) -> None:
            await trio.sleep_forever()

        owner.on("ev", handler)
        owner.mailbox.ready()
        owner.mailbox.receive(Events("ev"))
        await wait_all_tasks_blocked()
        owner.mailbox.end()
        await wait_all_tasks_blocked()
        assert owner.log == [("cut off", "ev"), "vanished"]


async def test_failing_handler_is_reported_and_the_next_event_handled() -> None:
    async with serving() as server:
        owner = TestOwner(server)

        async def fail(socket: TestOwner) -> None:
            raise KeyError

        async def answer(socket: TestOwner) -> int:
            return 3

        owner.on("fail", fail)
        owner.on("answer", answer)
        owner.mailbox.ready()
        owner.mailbox.receive(Events("fail"))
        owner.mailbox.receive(Events("answer", ack_id=1))
        await wait_all_tasks_blocked()
        assert owner.log == [("failed", "fail", KeyError), ("ack", 1, 3)]


async def test_context_variables_are_not_seen_by_other_mailboxes() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="none")
    async with serving() as server:
        seen: list[str] = []

        async def handler(socket: TestOwner) -> None:
            seen.append(variable.get())
            variable.set("set")

        for _ in range(3):
            owner = TestOwner(server)
            owner.on("ev", handler)
            owner.mailbox.ready()
            owner.mailbox.receive(Events("ev"))
            await wait_all_tasks_blocked()
        assert seen == ["none"] * 3


async def test_workers_end_with_the_last_mailbox() -> None:
    async with serving() as server:
        owner, other = TestOwner(server), TestOwner(server)

        async def handler(socket: TestOwner) -> None: ...

        owner.on("ev", handler)
        owner.mailbox.ready()
        owner.mailbox.receive(Events("ev"))
        await wait_all_tasks_blocked()
        waiting = trio.lowlevel.current_statistics().tasks_living
        owner.mailbox.end()
        await wait_all_tasks_blocked()
        assert trio.lowlevel.current_statistics().tasks_living == waiting
        other.mailbox.end()
        await wait_all_tasks_blocked()
        assert trio.lowlevel.current_statistics().tasks_living == waiting - 1
        assert server.workers.mailboxes == 0
