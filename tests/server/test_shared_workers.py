"""The tasks that handle the events of all sockets of a server: how many there are, and which event each handles."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.socket_tasks import open_client, tasks_of_sockets
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server, Socket
from trio_socketio.handlers._workers import MOST_FREE


@pytest.mark.parametrize("what", ["async def", "nobody"])
async def test_one_task_handles_the_events_of_all_sockets(running: Any, what: str) -> None:
    io = Server()
    ran: list[trio.lowlevel.Task] = []

    @io.on("async def")
    async def handler(socket: Socket) -> None:
        ran.append(trio.lowlevel.current_task())

    io.on("sync", lambda socket: None)
    async with running(io) as net:
        clients = [await net.connect() for _ in range(3)]
        for client in clients * 2:
            await client.emit(what)
            await client.call("sync")
        assert tasks_of_sockets() == ["events of sockets"]
        assert len(set(ran)) == (what == "async def")
        for client in clients[1:]:
            await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
        assert tasks_of_sockets() == ["events of sockets"]
        await clients[0].ws.stream.aclose()
        await wait_all_tasks_blocked()
        assert tasks_of_sockets() == []  # nobody is left who could have events


async def test_handler_that_waits_keeps_its_task_and_another_task_handles_other_sockets(running: Any) -> None:
    io = Server()
    door = trio.Event()
    log: list[tuple[str, trio.lowlevel.Task]] = []

    @io.on("wait")
    async def wait(socket: Socket) -> None:
        log.append(("waits", trio.lowlevel.current_task()))
        await door.wait()
        log.append(("waited", trio.lowlevel.current_task()))

    @io.on("pass")
    async def pass_(socket: Socket, word: str) -> None:
        log.append((word, trio.lowlevel.current_task()))

    async with running(io) as net:
        one, other = await net.connect(), await net.connect()
        await one.emit("wait")
        await one.emit("pass", "behind it")
        await other.emit("pass", "meanwhile")
        await wait_all_tasks_blocked()
        assert tasks_of_sockets() == ["events of sockets"] * 2
        door.set()
        await wait_all_tasks_blocked()
    assert [what for what, _ in log] == ["waits", "meanwhile", "waited", "behind it"]
    tasks = dict(log)
    assert tasks["waits"] is tasks["waited"] is tasks["behind it"] is not tasks["meanwhile"]


async def test_handlers_that_wait_do_not_delay_events_of_the_same_pass() -> None:
    """One pass of the reactor brings many sockets something; the first that waits must not stop the rest."""
    io = Server()
    door = trio.Event()
    log: list[str] = []

    @io.on("event")
    async def handler(socket: Socket, wait: bool) -> None:
        if wait:
            await door.wait()
        log.append("waited" if wait else "passed")

    async with io:
        hosts = [open_client(io) for _ in range(6)]
        for host, wait in zip(hosts, [True, False] * 3, strict=True):
            host.deliver(f'42["event",{str(wait).lower()}]', trio.current_time())
        await wait_all_tasks_blocked()
        assert log == ["passed"] * 3
        door.set()
        await wait_all_tasks_blocked()
        assert log == ["passed"] * 3 + ["waited"] * 3
        assert tasks_of_sockets() == ["events of sockets"] * 4
        for host in hosts:
            host.close()


async def test_socket_that_ends_cancels_only_its_own_handler() -> None:
    io = Server()
    log: list[str] = []

    @io.on("wait")
    async def wait(socket: Socket, name: str) -> None:
        try:
            await trio.sleep_forever()
        finally:
            log.append(f"{name} is cancelled")

    io.on("pass", lambda socket: log.append("passed"))
    async with io:
        hosts = [open_client(io) for _ in range(2)]
        for name, host in enumerate(hosts):
            host.deliver(f'42["wait","{name}"]', trio.current_time())
        await wait_all_tasks_blocked()
        hosts[0].close()
        await wait_all_tasks_blocked()
        assert log == ["0 is cancelled"]
        assert tasks_of_sockets() == ["events of sockets"]
        third = open_client(io)
        third.deliver('42["wait","2"]', trio.current_time())
        await wait_all_tasks_blocked()
        assert log == ["0 is cancelled"]
        hosts[1].close()
        third.close()
        await wait_all_tasks_blocked()
        assert sorted(log) == ["0 is cancelled", "1 is cancelled", "2 is cancelled"]
        assert tasks_of_sockets() == []


async def test_at_most_so_many_idle_tasks_stay() -> None:
    io = Server()
    door = trio.Event()
    passed = 0

    @io.on("wait")
    async def wait(socket: Socket) -> None:
        nonlocal passed
        await door.wait()
        passed += 1

    async with io:
        hosts = [open_client(io) for _ in range(2 * MOST_FREE)]
        for _ in range(2):
            for host in hosts:
                host.deliver('42["wait"]', trio.current_time())
        await wait_all_tasks_blocked()
        assert len(tasks_of_sockets()) == len(hosts)
        door.set()
        await wait_all_tasks_blocked()
        assert passed == 2 * len(hosts)
        assert len(tasks_of_sockets()) == MOST_FREE
        for host in hosts:
            host.close()
        await wait_all_tasks_blocked()
        assert tasks_of_sockets() == []
