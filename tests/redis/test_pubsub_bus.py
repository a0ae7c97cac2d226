"""The bus over PUBLISH and SUBSCRIBE, with a real server: messages, patterns, counts and its use by clusters."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hiredis import ReplyError
from support.receiver import connected
from support.redis_server import RedisServer

from trio_socketio.adapters import Bus, BusError, BusRefused
from trio_socketio.adapters.redis import PubSubBus, ShardedBus

pytestmark = pytest.mark.rows("I10")

BUSES: list[Callable[[str], Bus]] = [PubSubBus, ShardedBus]


@pytest.mark.parametrize("make", BUSES)
async def test_messages_arrive_in_order_on_their_channels(
    redis: RedisServer, make: Callable[[str], Bus]
) -> None:
    batch = [(f"order-{number % 2}", b"%d\r\n\xff" % number) for number in range(100)]
    async with connected(make(redis.url)) as one, connected(make(redis.url)) as other:
        for receiver in (one, other):
            await receiver.bus.subscribe(["order-0", "order-1"])
        await one.bus.publish(batch)
        assert await one.wait(100) == batch
        assert await other.wait(100) == batch


@pytest.mark.parametrize("make", BUSES)
async def test_subscribers_are_counted(redis: RedisServer, make: Callable[[str], Bus]) -> None:
    async with connected(make(redis.url)) as one, connected(make(redis.url)) as other:
        assert await one.bus.count("count") == 0
        await one.bus.subscribe(["count", "count-more"])
        await other.bus.subscribe(["count"])
        assert await one.bus.count("count") == 2
        await other.bus.unsubscribe(["count", "never-subscribed"])
        assert await one.bus.count("count") == 1


async def test_star_at_the_end_subscribes_to_all_channels_with_a_prefix(redis: RedisServer) -> None:
    async with connected(PubSubBus(redis.url)) as receiver:
        bus = receiver.bus
        await bus.subscribe(["star#[a]?\\#*", "star#end#"])
        await bus.publish(
            [
                ("star#a?\\#x", b"other"),
                ("star#[a]?\\#room#", b"room"),
                ("star#[a]bc#", b"x"),
                ("star#end#", b"end"),
            ]
        )
        assert await receiver.wait(2) == [("star#[a]?\\#*", b"room"), ("star#end#", b"end")]
        await bus.unsubscribe(["star#[a]?\\#*"])
        await bus.publish([("star#[a]?\\#room#", b"room"), ("star#end#", b"end")])
        assert (await receiver.wait(3))[2:] == [("star#end#", b"end")]


async def test_names_of_channels_may_be_any_text(redis: RedisServer) -> None:
    names = ["names-é-日本", "names-\ud800", "names- \r\n\0", "names-" + "x" * 1000]
    async with connected(PubSubBus(redis.url)) as receiver:
        await receiver.bus.subscribe(names)
        await receiver.bus.publish([(name, b"x") for name in names])
        assert await receiver.wait(4) == [(name, b"x") for name in names]


async def test_own_messages_are_skipped_by_their_prefix(redis: RedisServer) -> None:
    bus = PubSubBus(redis.url)
    bus.own_prefixes = (b"\x93\xa6abcdef",)
    async with connected(bus) as receiver:
        await bus.subscribe(["own"])
        await bus.publish([("own", b"\x93\xa6abcdef1"), ("own", b"\x93\xa6ghijkl2")])
        assert await receiver.wait(1) == [("own", b"\x93\xa6ghijkl2")]


async def test_large_messages_arrive(redis: RedisServer) -> None:
    async with connected(PubSubBus(redis.url)) as receiver:
        await receiver.bus.subscribe(["large"])
        await receiver.bus.publish([("large", b"x" * receiver.bus.max_publish_bytes)])
        ((_, payload),) = await receiver.wait(1)
        assert len(payload) == receiver.bus.max_publish_bytes


async def test_many_channels_come_and_go_and_none_is_left(redis: RedisServer) -> None:
    async with connected(PubSubBus(redis.url)) as receiver:
        for turn in range(10):
            channels = [f"many-{turn}-{number}" for number in range(1000)]
            await receiver.bus.subscribe(channels)
            await receiver.bus.unsubscribe(channels)
        assert redis.command("PUBSUB", "CHANNELS", "many-*") == []


async def test_channels_that_the_user_may_not_use_are_refused(own_redis: RedisServer) -> None:
    own_redis.command("ACL", "SETUSER", "limited", "on", ">secret", "+@all", "&allowed")
    bus = PubSubBus(f"redis://limited:secret@127.0.0.1:{own_redis.port}")
    await bus.connect()
    with pytest.raises(BusRefused, match="NOPERM"):
        await bus.publish([("forbidden", b"x")])
    with pytest.raises(BusError, match="refuses 1 of 2 messages: NOPERM"):
        await bus.publish([("allowed", b"x"), ("forbidden", b"x")])
    await bus.aclose()
    with pytest.raises(BusError, match="no connection"):
        await bus.publish([("allowed", b"x")])


async def test_two_connections_are_closed(own_redis: RedisServer) -> None:
    bus = PubSubBus(own_redis.url)
    await bus.connect()
    clients = own_redis.command("CLIENT", "LIST").splitlines()
    assert len(clients) == 3  # one is that of this command
    await bus.connect()
    await bus.aclose()
    await bus.aclose()
    with pytest.raises(ReplyError):
        own_redis.command("NO-SUCH-COMMAND")
