"""Mailboxes: the waiting events and the running tasks of one socket."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.owner import Events, Server, TestOwner, serving
from trio.testing import wait_all_tasks_blocked

from trio_socketio.errors import Disconnected
from trio_socketio.handlers import ENDED, HELD, IDLE, QUEUED, HandlerTable


def ready_owner(server: Server, **options: Any) -> TestOwner:
    owner = TestOwner(server, **options)
    owner.mailbox.ready()
    return owner


async def test_plain_handler_runs_before_receive_returns() -> None:
    async with serving() as server:
        owner = ready_owner(server)
        owner.on("ev", lambda socket, number: number + 1)
        owner.mailbox.receive(Events("ev", [1], ack_id=7))
        assert owner.log == [("ack", 7, 2)]
        assert owner.mailbox.inbox is None and not server.started


async def test_events_are_held_until_ready() -> None:
    async with serving() as server:
        owner = TestOwner(server)
        seen: list[int] = []
        owner.on("ev", lambda socket, number: seen.append(number))
        owner.mailbox.receive(Events("ev", [1]))
        owner.mailbox.receive(Events("ev", [2]))
        assert owner.mailbox.state is HELD and owner.log == ["waits", "waits"]
        assert owner.mailbox.ready() and not owner.mailbox.ready()
        assert owner.mailbox.state is QUEUED
        await wait_all_tasks_blocked()
        assert seen == [1, 2] and owner.mailbox.state is IDLE


async def test_event_that_comes_during_a_plain_handler_is_handled_after_it() -> None:
    async with serving() as server:
        owner = ready_owner(server)
        seen: list[str] = []

        def first(socket: TestOwner) -> None:
            socket.mailbox.receive(Events("second"))
            seen.append("first")

        owner.on("first", first)
        owner.on("second", lambda socket: seen.append("second"))
        owner.mailbox.receive(Events("first"))
        assert seen == ["first"]
        await wait_all_tasks_blocked()
        assert seen == ["first", "second"]


async def test_handlers_of_the_socket_run_after_the_shared_ones() -> None:
    async with serving() as server:
        owner = ready_owner(server)
        seen: list[str] = []
        owner.on("ev", lambda socket: seen.append("shared"))
        own = owner.mailbox.own_table(lambda: HandlerTable(takes_socket=False))
        own.add("ev", lambda: seen.append("own"), once=False)
        assert owner.mailbox.own_table(lambda: HandlerTable(takes_socket=False)) is own
        owner.mailbox.receive(Events("ev"))
        assert seen == ["shared", "own"]


async def test_end_cancels_tasks_and_then_runs_disconnect_handlers_once() -> None:
    async with serving() as server:
        owner = ready_owner(server)
        seen: list[str] = []

        async def task(name: str) -> None:
            try:
                await trio.sleep_forever()
            finally:
                seen.append(name)

        async def end(socket: TestOwner) -> None:
            await trio.lowlevel.checkpoint()  # is shielded
            seen.append("end")

        owner.on("end", end)
        owner.mailbox.start(lambda: task("own"))
        owner.mailbox.nursery.start_soon(task, "nursery")
        await wait_all_tasks_blocked()
        owner.mailbox.end()
        await wait_all_tasks_blocked()
        assert sorted(seen[:2]) == ["nursery", "own"] and seen[2:] == ["end"]
        assert owner.log == ["vanished"] and owner.mailbox.state is ENDED
        with pytest.raises(Disconnected):
            owner.mailbox.nursery.start_soon(task, "late")


async def test_end_without_tasks_and_handlers_starts_none() -> None:
    async with serving() as server:
        owner = ready_owner(server)
        owner.mailbox.end()
        assert owner.log == ["vanished"] and not server.started


async def test_task_that_fails_in_the_nursery_is_reported() -> None:
    async with serving() as server:
        owner = ready_owner(server)

        async def fail() -> None:
            raise KeyError

        owner.mailbox.nursery.start_soon(fail)
        await wait_all_tasks_blocked()
        assert owner.log == [("nursery failed", KeyError)]


async def test_wait_until_idle_returns_after_the_last_event() -> None:
    async with serving() as server:
        owner = ready_owner(server)
        done = trio.Event()

        async def slow(socket: TestOwner) -> None:
            await done.wait()

        owner.on("ev", slow)
        owner.mailbox.receive(Events("ev"))
        assert not owner.mailbox.is_idle
        async with trio.open_nursery() as nursery:
            nursery.start_soon(owner.mailbox.wait_until_idle)
            await wait_all_tasks_blocked()
            assert owner.mailbox.worker is not None and not owner.mailbox.is_idle
            done.set()
        assert owner.mailbox.is_idle
