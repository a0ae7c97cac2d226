"""Faults of a real Redis server: each ends the link within its time, and the next connect works."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing
from support.receiver import connected
from support.redis_server import RedisServer

from trio_socketio.adapters import BusError
from trio_socketio.adapters.redis import PubSubBus, ShardedBus

pytestmark = pytest.mark.rows("G01", "I10", "I19")

GONE = r"has closed the connection|is lost"


@pytest.mark.parametrize("make", [PubSubBus, ShardedBus])
async def test_server_that_is_killed_and_restarted(
    own_redis: RedisServer, make: type[PubSubBus] | type[ShardedBus]
) -> None:
    bus = make(own_redis.url)
    await bus.connect()
    own_redis.kill()
    with pytest.raises(BusError, match=GONE):
        await bus.receive()
    with pytest.raises(BusError, match=GONE):
        await bus.publish([("restart", b"x")])
    with pytest.raises(OSError):
        await bus.connect()
    own_redis.start(own_redis.port)
    async with connected(bus) as receiver:
        await bus.subscribe(["restart"])
        await bus.publish([("restart", b"x")])
        assert await receiver.wait(1) == [("restart", b"x")]


async def test_frozen_server_is_found_while_only_receiving(own_redis: RedisServer) -> None:
    bus = PubSubBus(own_redis.url, timeout=0.3)
    await bus.connect()
    own_redis.freeze()
    began = time.monotonic()
    async with trio.open_nursery() as nursery:
        for call in (bus.receive, bus.check):
            nursery.start_soon(_finds_silence, call)
    assert time.monotonic() - began < 3
    await bus.aclose()


async def _finds_silence(call: Callable[[], Awaitable[object]]) -> None:
    with pytest.raises(BusError, match=r"does not reply to a PING within 0\.3 s"):
        await call()


async def test_frozen_server_is_found_by_all_otherpings_of(own_redis: RedisServer) -> None:
    bus = PubSubBus(own_redis.url, timeout=0.3)
    await bus.connect()
    own_redis.freeze()
    with pytest.raises(BusError, match=r"does not confirm subscriptions within 0\.3 s"):
        await bus.subscribe(["frozen"])
    with pytest.raises(BusError, match=r"does not reply within 0\.3 s"):
        await bus.count("frozen")
    with pytest.raises(BusError, match=r"does not reply within 0\.3 s"):
        await bus.publish([("frozen", b"x")])
    own_redis.thaw()
    async with connected(bus):
        assert await bus.count("frozen") == 0


async def test_frozen_server_that_takes_no_more_bytes_is_found(own_redis: RedisServer) -> None:
    bus = PubSubBus(own_redis.url, timeout=0.3)
    await bus.connect()
    own_redis.freeze()
    with trio.move_on_after(bus.publish_timeout) as scope:  # as the link does
        await bus.publish([("frozen", b"x" * 4_000_000)] * 4)
    assert scope.cancelled_caught
    with pytest.raises(BusError, match="cancelled when a part of it was sent"):
        await bus.publish([("frozen", b"x")])
    await bus.aclose()


async def test_lost_commands_end_the_whole_link(own_redis: RedisServer) -> None:
    bus = PubSubBus(own_redis.url)
    await bus.connect()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_receive_until_lost, bus)
        await trio.testing.wait_all_tasks_blocked()
        own_redis.command("CLIENT", "KILL", "TYPE", "normal")
        with pytest.raises(BusError, match=GONE):
            await bus.count("lost")
    await bus.aclose()


async def test_quiet_link_lives_on(own_redis: RedisServer) -> None:
    bus = PubSubBus(own_redis.url)
    async with connected(bus) as receiver:
        await bus.subscribe(["quiet"])
        for _ in range(3):
            await bus.check()
        await bus.publish([("quiet", b"x")])
        assert await receiver.wait(1) == [("quiet", b"x")]
    assert int(pings_of(own_redis.command("INFO", "commandstats"))) >= 3


def pings_of(stats: bytes) -> bytes:
    _, _, rest = stats.partition(b"cmdstat_ping:calls=")
    return rest.partition(b",")[0] or b"0"


@pytest.mark.parametrize("kind", ["pubsub", "normal"])
async def test_connection_that_the_server_kills(own_redis: RedisServer, kind: str) -> None:
    bus = PubSubBus(own_redis.url)
    async with trio.open_nursery() as nursery:
        await bus.connect()
        nursery.start_soon(_receive_until_lost, bus)
        await bus.subscribe(["kill"])
        assert own_redis.command("CLIENT", "KILL", "TYPE", kind) == 1
        if kind == "normal":
            with pytest.raises(BusError, match=GONE):
                await bus.publish([("kill", b"x")])
    await bus.aclose()


async def _receive_all(bus: PubSubBus) -> None:
    while True:
        await bus.receive()


async def _receive_until_lost(bus: PubSubBus) -> None:
    with pytest.raises(BusError, match=GONE):
        await _receive_all(bus)


@pytest.mark.rows("G02")
async def test_subscriber_that_does_not_keep_up_is_cut_off_and_told(own_redis: RedisServer) -> None:
    own_redis.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 100kb 100kb 1")
    slow, fast = PubSubBus(own_redis.url), PubSubBus(own_redis.url)
    async with connected(fast):
        await slow.connect()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(slow.receive)
            await slow.subscribe(["slow"])
            nursery.cancel_scope.cancel()
        while await fast.count("slow"):
            await fast.publish([("slow", b"x" * 100_000)] * 10)
        await _receive_until_lost(slow)
        await slow.aclose()


async def test_full_server_refuses_and_the_link_goes_on(own_redis: RedisServer) -> None:
    own_redis.command("CONFIG", "SET", "maxmemory", "1")
    async with connected(PubSubBus(own_redis.url)) as receiver:
        await receiver.bus.subscribe(["full"])
        await receiver.bus.publish([("full", b"x")])  # publishing needs no memory
        assert await receiver.wait(1) == [("full", b"x")]
