"""Streams: appending entries, reading them in order, and the ids at both ends."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio
import trio.testing
from support.redis_ends import commands
from support.redis_server import RedisServer

from trio_socketio.adapters import BusError
from trio_socketio.adapters.redis._commands import Commands
from trio_socketio.adapters.redis._dial import Dialer
from trio_socketio.adapters.redis._entries import first_id, last_id, pack_entry, read_entries
from trio_socketio.adapters.redis._resp import CommandError
from trio_socketio.adapters.redis._url import Credentials

DIALER = Dialer(Credentials(), 0, None, 5)


@pytest.fixture
async def streams(redis: RedisServer) -> AsyncIterator[Commands]:
    commands = await DIALER.commands(redis.address)
    yield commands
    await commands.connection.aclose()


async def test_entries_are_read_in_order_after_an_id(streams: Commands) -> None:
    data = b"".join(
        pack_entry(b"order", 1000, [b"n", b"%d" % number, b"x", b"\r\n\xff"]) for number in range(5)
    )
    ids = [reply.decode() for reply in await streams.execute_packed(data, 5)]
    entries = await read_entries(streams, b"order", "0-0", 3, 1.0)
    assert [entry.id for entry in entries] == ids[:3]
    assert entries[0].words == [b"n", b"0", b"x", b"\r\n\xff"]
    assert [entry.id for entry in await read_entries(streams, b"order", ids[2], 3, 1.0)] == ids[3:]
    assert (await first_id(streams, b"order"), await last_id(streams, b"order")) == (ids[0], ids[-1])


async def test_stream_that_does_not_exist_has_no_ids_and_no_entries(streams: Commands) -> None:
    assert await first_id(streams, b"absent") == await last_id(streams, b"absent") == "0-0"
    assert await read_entries(streams, b"absent", "0-0", 3, 0.001) == ()


async def test_reading_waits_for_an_entry(streams: Commands, redis: RedisServer) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, redis.command, "XADD", "wait", "*", "a", "b")
        (entry,) = await read_entries(streams, b"wait", "0-0", 3, 10)
    assert entry.words == [b"a", b"b"]


async def test_old_entries_are_trimmed(streams: Commands) -> None:
    count = 500
    await streams.execute_packed(pack_entry(b"trim", 100, [b"a", b"b"]) * count, count)
    assert await streams.execute(b"XLEN", b"trim") <= 300


async def test_refusals_are_raised(streams: Commands) -> None:
    await streams.execute(b"SET", b"string", b"x")
    with pytest.raises(CommandError, match="WRONGTYPE"):
        await read_entries(streams, b"string", "0-0", 3, 1.0)
    with pytest.raises(BusError, match="refuses XREVRANGE: WRONGTYPE"):
        await last_id(streams, b"string")


async def test_frozen_server_is_found_while_waiting_for_entries(
    autojump_clock: trio.testing.MockClock,
) -> None:
    link, _ = commands(timeout=5)
    with pytest.raises(BusError, match="does not reply within 7 s"):
        await read_entries(link, b"stream", "0-0", 3, 2.0)
    assert trio.current_time() == 7


@pytest.mark.parametrize(
    "reply",
    [
        b":1\r\n",
        b"*0\r\n",
        b"*1\r\n*2\r\n+a\r\n:1\r\n",
        b"*1\r\n*2\r\n+a\r\n*1\r\n*2\r\n+1-0\r\n*1\r\n+a\r\n",
    ],
)
async def test_malformed_entries_end_the_connection(reply: bytes) -> None:
    link, server = commands()
    await server.send_all(reply)
    with pytest.raises(BusError, match="of a stream"):
        await read_entries(link, b"stream", "0-0", 3, 2.0)


async def test_deleted_entry_has_no_fields() -> None:
    link, server = commands()
    await server.send_all(b"*1\r\n*2\r\n+a\r\n*1\r\n*2\r\n+1-0\r\n*-1\r\n")
    (entry,) = await read_entries(link, b"stream", "0-0", 3, 2.0)
    assert entry == ("1-0", [])
