"""Commands of several tasks on one connection: each gets its own replies, or the reason why there are none."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
import trio
import trio.testing
from support.redis_ends import Server, commands
from support.redis_server import RedisServer

from trio_socketio.adapters import BusError, BusRefused
from trio_socketio.adapters.redis._commands import MOST_MISSING
from trio_socketio.adapters.redis._dial import Dialer
from trio_socketio.adapters.redis._resp import CommandError, pack
from trio_socketio.adapters.redis._url import Credentials


async def echo(server: Server, count: int) -> None:
    """Reply to each command with its number."""
    received = b""
    for number in range(count):
        while received.count(b"PING") <= number:
            received += await server.receive_some(1000)
        await server.send_all(b":%d\r\n" % number)


async def test_replies_go_to_the_callers_in_order() -> None:
    link, server = commands()
    results: dict[int, object] = {}

    async def call(number: int) -> None:
        results[number] = await link.execute(b"PING")

    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(call, number)
        await trio.testing.wait_all_tasks_blocked()
        order = list((await server.receive_some(1000)).split(b"PING"))
        assert len(order) == 6
        await server.send_all(b"".join(b":%d\r\n" % number for number in range(5)))
    assert sorted(results.values()) == [0, 1, 2, 3, 4]


async def test_error_reply_is_raised_and_the_connection_goes_on() -> None:
    link, server = commands()
    await server.send_all(b"-WRONGTYPE of key\r\n")
    with pytest.raises(CommandError, match="of key") as caught:
        await link.execute(b"GET", b"key")
    assert caught.value.code == "WRONGTYPE"
    await server.send_all(b":1\r\n")
    assert await link.execute(b"PING") == 1


async def test_several_commands_return_errors_among_their_replies() -> None:
    link, server = commands()
    await server.send_all(b":1\r\n-ERR\r\n:3\r\n")
    first, error, last = await link.execute_packed(pack(b"PING") * 3, 3)
    assert (first, last) == (1, 3)
    assert isinstance(error, CommandError)


@pytest.mark.rows("I10")
async def test_reply_that_does_not_come_in_time_ends_the_connection(
    autojump_clock: trio.testing.MockClock,
) -> None:
    link, server = commands(timeout=5)
    with pytest.raises(BusError, match="does not reply within 5 s"):
        await link.execute(b"PING")
    assert trio.current_time() == 5
    with pytest.raises(trio.BrokenResourceError):  # too late: it must not become the reply to another command
        await server.send_all(b"+PONG\r\n")
    with pytest.raises(BusError, match="does not reply within 5 s"):
        await link.execute(b"PING")


async def test_server_that_sends_its_reply_in_drips_is_found(autojump_clock: trio.testing.MockClock) -> None:
    link, server = commands(timeout=5)

    async def drip() -> None:
        while True:
            await server.send_all(b"+")
            await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(drip)
        with pytest.raises(BusError, match="does not reply within"):
            await link.execute(b"PING")
        nursery.cancel_scope.cancel()


async def test_all_callers_learn_that_the_connection_is_lost() -> None:
    link, server = commands()
    errors: list[BusError] = []

    async def call() -> None:
        with pytest.raises(BusError) as caught:
            await link.execute(b"PING")
        errors.append(caught.value)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(call)
        await trio.testing.wait_all_tasks_blocked()
        await server.send_stream.aclose()
    assert len(errors) == 3
    assert len({id(error) for error in errors}) == 3


async def test_reply_to_no_command_ends_the_connection() -> None:
    link, server = commands()
    await server.send_all(b":1\r\n:2\r\n")
    with pytest.raises(BusError, match="replies without commands"):
        await link.execute(b"PING")


async def test_call_beyond_the_bound_is_refused_while_others_read() -> None:
    link, server = commands()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.execute_packed, pack(b"PING"), MOST_MISSING)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(BusRefused, match=f"owes more than {MOST_MISSING} replies") as caught:
            await link.execute(b"PING")
        assert caught.value.count == 1
        await server.send_all(b":1\r\n" * MOST_MISSING)
    assert link.connection.failure is None
    await server.send_all(b":2\r\n")
    assert await link.execute(b"PING") == 2


async def test_missing_replies_of_cancelled_calls_are_bounded() -> None:
    link, _ = commands()
    for _ in range(10):
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(link.execute_packed, pack(b"PING"), MOST_MISSING // 10)
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()
    with pytest.raises(BusError, match=f"owes more than {MOST_MISSING} replies"):
        await link.execute(b"PING")


@pytest.mark.parametrize("step", range(8))
async def test_cancelled_call_gives_its_reply_to_no_other(step: int) -> None:
    """One call is cancelled after 0, 1, 2… passes of the scheduler; the others get their own replies."""
    link, server = commands()

    async def expect(number: int, scope: trio.CancelScope) -> None:
        with scope, suppress(BusError):  # a call that was cancelled while it was sent ends the connection
            assert await link.execute(b"ECHO", b"%d" % number) == b"%d" % number

    async def answer() -> None:
        received = b""
        while True:
            received += await server.receive_some(1000)
            *complete, received = received.split(b"*2\r\n$4\r\nECHO\r\n")
            parts = [
                part for part in [*complete, received] if part.endswith(b"\r\n") and part.startswith(b"$")
            ]
            received = b""
            with suppress(trio.BrokenResourceError):  # the connection has ended
                for part in parts:
                    await server.send_all(part)

    scopes = [trio.CancelScope() for _ in range(5)]
    async with trio.open_nursery() as outer:
        outer.start_soon(answer)
        async with trio.open_nursery() as nursery:
            for number, scope in enumerate(scopes):
                nursery.start_soon(expect, number, scope)
            for _ in range(step):
                await trio.lowlevel.checkpoint()
            scopes[2].cancel()
        with suppress(BusError):
            assert await link.execute(b"ECHO", b"7") == b"7"
        outer.cancel_scope.cancel()


@pytest.mark.rows("I10")
async def test_real_replies_reach_their_callers_while_others_are_cancelled(redis: RedisServer) -> None:
    link = await Dialer(Credentials(), 0, None, 10).commands(redis.address)

    async def calls(name: bytes) -> None:
        for number in range(50):
            word = b"%b-%d" % (name, number)
            with trio.CancelScope() as scope:
                if random.random() < 0.3:
                    trio.lowlevel.current_trio_token().run_sync_soon(scope.cancel)
                assert await link.execute(b"ECHO", word) == word

    async with trio.open_nursery() as nursery:
        for number in range(8):
            nursery.start_soon(calls, b"%d" % number)
    assert await link.execute(b"ECHO", b"last") == b"last"
    assert not link._missing and not link._calls
    await link.connection.aclose()
