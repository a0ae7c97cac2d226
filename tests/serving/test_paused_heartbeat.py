"""The heartbeat of a client that is not read because its inbox is full."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import trio
from support.handlers import Slow, posting
from support.wire import SioClient
from trio.testing import wait_all_tasks_blocked

from trio_socketio import EngineServer, EngineSocket, Server

INTERVAL, TIMEOUT = 25.0, 20.0


def longest_wait(times: list[float]) -> float:
    """The longest time between two pings."""
    return max(later - earlier for earlier, later in itertools.pairwise(times))


async def answer_pings_in_time(client: SioClient) -> None:
    """Answer pings for 300 s. Check that none comes after the time at which a client gives up."""
    times = [trio.current_time()]
    with trio.move_on_after(300):
        while await client.ws.receive() == "2":
            times.append(trio.current_time())
            await client.ws.send("3")
    assert len(times) > 6
    assert longest_wait(times) < INTERVAL + TIMEOUT


@pytest.mark.rows("P2")
async def test_client_behind_a_slow_handler_is_pinged_and_stays_connected(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(inbox_events=8)
    slow = Slow(io)
    io.on("ping me", lambda socket: "pong")
    async with running(io) as wire:
        client = await wire.connect()
        for _ in range(9):
            await client.emit("slow")
        await answer_pings_in_time(client)
        slow.go_on.set()
        assert await client.call("ping me") == ["pong"]
        await answer_pings_in_time(client)
        assert len(io.sockets) == 1


@pytest.mark.rows("P2")
async def test_deadline_for_the_answer_starts_again_after_the_pause(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(inbox_events=8)
    slow = Slow(io)
    async with running(io) as wire:
        client = await wire.connect()
        for _ in range(9):
            await client.emit("slow")
        await trio.sleep(1000)
        assert len(io.sockets) == 1
        slow.go_on.set()
        await trio.sleep(TIMEOUT - 1)
        assert len(io.sockets) == 1
        await trio.sleep(INTERVAL)  # it has never answered
        assert not io.sockets


@pytest.mark.rows("P2")
async def test_waiting_poll_is_answered_with_pings_while_the_post_is_held(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(inbox_events=8)
    slow = Slow(io)
    async with running(io) as wire:
        client = await (await wire.polling()).connect()
        async with posting(client, "\x1e".join(['42["slow"]'] * 9)) as answers:
            times = [trio.current_time()]
            for _ in range(6):
                assert (await client.get()).text == "2"
                times.append(trio.current_time())
            assert longest_wait(times) < INTERVAL + TIMEOUT
            assert answers == []
            slow.go_on.set()
        assert answers == ["ok"]


@pytest.mark.rows("P2")
@pytest.mark.parametrize("polls", [0, 3])
async def test_client_that_stops_polling_while_its_post_is_held_times_out(
    running: Any, autojump_clock: Any, polls: int
) -> None:
    io = Server(inbox_events=8)
    reasons: list[str] = []
    slow = Slow(io)
    io.on("disconnect", lambda socket, reason: reasons.append(reason))
    async with running(io) as wire:
        client = await (await wire.polling()).connect()
        answers: list[Any] = []
        answered = trio.Event()

        async def post() -> None:
            answers.append(await client.post("\x1e".join(['42["slow"]'] * 9)))
            answered.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(post)
            await wait_all_tasks_blocked()
            for _ in range(polls):
                assert (await client.get()).text == "2"
            start = trio.current_time()
            await trio.sleep(INTERVAL + TIMEOUT - 1)
            assert reasons == []
            with trio.fail_after(TIMEOUT + 2):
                await answered.wait()
            assert INTERVAL + TIMEOUT <= trio.current_time() - start <= INTERVAL + 2 * TIMEOUT + 1
        assert reasons == ["ping timeout"]
        assert answers[0].status == 400
        assert slow.begun == [0]


@pytest.mark.rows("P2")
async def test_engine_server_pings_a_client_whose_messages_wait(running: Any, autojump_clock: Any) -> None:
    io = EngineServer(inbox_events=8)
    go_on = trio.Event()

    @io.on("message")
    async def message(socket: EngineSocket, data: object) -> None:
        await go_on.wait()

    async with running(io) as wire:
        client = await wire.session()
        for _ in range(9):
            await client.send("x")
        await wait_all_tasks_blocked()
        start = trio.current_time()
        for _ in range(6):
            assert await client.ws.receive() == "2"
        assert trio.current_time() - start <= 6 * INTERVAL
        go_on.set()
        await wait_all_tasks_blocked()
        assert len(io.clients) == 1


@pytest.mark.rows("P2")
async def test_client_of_revision_3_sees_pongs_and_its_deadline_is_suspended(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(inbox_events=8, allow_eio3=True)
    slow = Slow(io)
    async with running(io) as wire:
        ws = await wire.websocket(f"{io.path}?EIO=3&transport=websocket")
        assert (await ws.receive())[0] == "0"
        assert await ws.receive() == "40"
        for _ in range(9):
            await ws.send('42["slow"]')
        times = [trio.current_time()]
        with trio.move_on_after(1000):
            while await ws.receive() == "3":  # without having pinged: its pings might not be read
                times.append(trio.current_time())
        assert longest_wait(times) < TIMEOUT
        assert len(io.sockets) == 1
        slow.go_on.set()
        await trio.sleep(INTERVAL + TIMEOUT - 1)
        assert len(io.sockets) == 1
        await trio.sleep(2)
        assert not io.sockets
