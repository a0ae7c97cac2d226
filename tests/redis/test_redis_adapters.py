"""Servers of this package that Redis connects, with each of the three adapters and a real Redis."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import hiredis
import pytest
import trio
from support.redis_nodes import Node, nodes
from support.redis_server import RedisServer

from trio_socketio import AdapterState, ClusterTimeout
from trio_socketio.adapters.cluster import Cluster
from trio_socketio.adapters.redis import RedisAdapter, RedisShardedAdapter, RedisStreamsAdapter

Make = Callable[..., Cluster]

ADAPTERS = {
    "classic": lambda url, key, **options: RedisAdapter(url, key=key, **options),
    "specific": lambda url, key, **options: RedisAdapter(
        url, key=key, publish_on_specific_response_channel=True, **options
    ),
    "dynamic": lambda url, key, **options: RedisShardedAdapter(url, channel_prefix=key, **options),
    "static": lambda url, key, **options: RedisShardedAdapter(
        url, channel_prefix=key, subscription_mode="static", **options
    ),
    "dynamic-private": lambda url, key, **options: RedisShardedAdapter(
        url, channel_prefix=key, subscription_mode="dynamic-private", **options
    ),
    "streams": lambda url, key, **options: RedisStreamsAdapter(
        url, channel_prefix=key, stream_name=key, **options
    ),
    "streams-sharded": lambda url, key, **options: RedisStreamsAdapter(
        url, channel_prefix=key, stream_name=key, use_sharded_pubsub=True, **options
    ),
}


@pytest.fixture(params=ADAPTERS)
def make(request: pytest.FixtureRequest, redis: RedisServer, key: str) -> Iterator[Make]:
    return partial(ADAPTERS[request.param], redis.url, key)


rows = pytest.mark.rows("I5", "I6", "I7")


@rows
async def test_event_reaches_the_sockets_of_every_server_once(make: Make) -> None:
    async with nodes(make(), make(), make()) as (here, *others):
        clients = [await node.wire.connect() for node in (here, *others)]
        await here.io.emit("ev", 1, {"a": [None, "ü", 1.5]})
        await here.io.emit("end")
        for client in clients:
            assert await client.event() == ["ev", 1, {"a": [None, "ü", 1.5]}]
            assert await client.event() == ["end"]
        assert [node.rejected for node in (here, *others)] == [{}, {}, {}]


@rows
async def test_binary_reaches_other_servers(make: Make) -> None:
    async with nodes(make(), make()) as (here, there):
        client = await there.wire.connect()
        await here.io.emit("file", b"\x00\xff")
        assert await client.receive() == '51-["file",{"_placeholder":true,"num":0}]'
        assert await client.receive() == b"\x00\xff"


@rows
async def test_rooms_and_exceptions_hold_on_other_servers(make: Make) -> None:
    async with nodes(make(), make()) as (here, there):
        chosen = await there.join("a", "b")
        muted = await there.join("a", "muted")
        await there.subscribed()
        await here.io.to("a").except_("muted").emit("one")
        await here.io.to("a", "b").except_("muted").emit("two")
        await here.io.to(chosen.sids["/"]).emit("own")
        await here.io.emit("end")
        events = [await chosen.event() for _ in range(4)]
        assert sorted(events) == [["end"], ["one"], ["own"], ["two"]]
        assert await muted.event() == ["end"]


@rows
async def test_room_of_another_namespace_is_apart(make: Make) -> None:
    def prepare(node: Node) -> None:
        node.io.of("/chat")

    async with nodes(make(), make(), prepare=prepare) as (here, there):
        main, chat = await there.join("a"), await there.join("a", namespace="/chat")
        await there.subscribed()
        await here.io.of("/chat").to("a").emit("ev")
        await here.io.emit("end")
        assert await chat.receive() == '2/chat,["ev"]'
        assert await main.event() == ["end"]


@rows
async def test_call_collects_the_acknowledgements_of_all_servers(make: Make) -> None:
    async with nodes(make(), make()) as (here, there):
        clients = [await node.wire.connect() for node in (here, there)]
        answers: list[Any] = []

        async def call() -> None:
            answers.append(await here.io.call("ask", "?", timeout=5))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call)
            for number, client in enumerate(clients):
                packet = await client.receive()
                ack_id = packet[1 : packet.index("[")]
                await client.send(f"3{ack_id}[{number}]")
        assert answers[0].values == {client.sids["/"]: number for number, client in enumerate(clients)}
        assert answers[0].is_complete


@rows
async def test_fetched_sockets_of_another_server_can_be_used(make: Make) -> None:
    async with nodes(make(), make()) as (here, there):
        client = await there.join("a")
        (socket,) = await here.io.fetch_sockets()
        assert socket.id == client.sids["/"]
        assert set(socket.rooms) == {"a", socket.id}
        joined = trio.Event()
        there.io.on_room("join-room", lambda room, sid: joined.set())
        await here.io.in_("a").sockets_join("b")
        await joined.wait()
        await there.subscribed()
        await here.io.in_("a").sockets_leave("a")
        await here.io.in_("b").emit("ev")
        await here.io.in_(socket.id).disconnect_sockets()
        assert await client.event() == ["ev"]
        assert await client.receive() == "1"


@rows
async def test_servers_exchange_events_and_values(make: Make) -> None:
    received: list[Any] = []

    def prepare(node: Node) -> None:
        @node.io.on_server("ask")
        def ask(number: int) -> int:
            received.append(number)
            return number + 1

    async with nodes(make(), make(), make(), prepare=prepare) as (here, *_):
        assert await here.io.server_side_call("ask", 1) == [2, 2]
        await here.io.server_side_emit("ask", 5)
        assert await here.io.server_side_call("ask", 7) == [8, 8]
        assert sorted(received) == [1, 1, 5, 5, 7, 7]


@contextmanager
def subscriber(redis: RedisServer, channel: str) -> Iterator[None]:
    """Subscribe to a channel in both ways, as a monitoring tool may."""
    with socket.create_connection(redis.address) as connection:
        for word in ("SUBSCRIBE", "SSUBSCRIBE"):
            connection.sendall(hiredis.pack_command((word, channel)))
            assert connection.recv(65536)
        yield


@rows
async def test_foreign_subscriber_is_a_server_that_does_not_answer(
    make: Make, redis: RedisServer, key: str
) -> None:
    async with nodes(make(requests_timeout=0.2), make()) as (here, there):
        await there.join("a")
        channel = f"{key}{'-request' if isinstance(here.adapter, RedisAdapter) else ''}#/#"
        with subscriber(redis, channel), pytest.raises(ClusterTimeout) as caught:
            await here.io.fetch_sockets()
        assert len(caught.value.partial) == 1
        assert caught.value.missing_count == 1


@rows
async def test_servers_with_a_secret_understand_each_other_only(make: Make) -> None:
    secret = b"s" * 16
    async with nodes(make(secret=secret), make(secret=secret), make()) as (here, there, stranger):
        client, other = await there.join("a"), await stranger.join("a")
        await there.subscribed()
        await stranger.io.emit("stranger")
        await stranger.adapter.queue.drained()
        await here.io.to("a").emit("ev", b"x")
        await here.io.emit("end")
        assert await client.receive() == '51-["ev",{"_placeholder":true,"num":0}]'
        assert await client.receive() == b"x"
        assert await client.event() == ["end"]
        assert await other.event() == ["stranger"]
        assert there.rejected["signature"] == 1


@rows
@pytest.mark.parametrize("kind", ["classic", "dynamic", "streams"])
async def test_applications_with_different_names_share_a_redis(
    redis: RedisServer, key: str, kind: str
) -> None:
    make = ADAPTERS[kind]
    async with nodes(make(redis.url, key), make(redis.url, f"{key}2")) as (one, other):
        client = await other.wire.connect()
        await one.io.emit("one")
        await one.adapter.queue.drained()
        assert await one.io.fetch_sockets() == []
        await other.io.emit("other")
        assert await client.event() == ["other"]
        assert other.rejected == {}


@pytest.mark.rows("G01")
@pytest.mark.parametrize("kind", ["classic", "dynamic"])
async def test_events_of_an_outage_reach_a_server_whose_link_comes_back_later(
    own_redis: RedisServer, key: str, kind: str
) -> None:
    lost = trio.Event()

    def prepare(node: Node) -> None:
        @node.io.on_adapter_state
        def changed(state: AdapterState) -> None:
            if node.adapter is not late and state is AdapterState.DEGRADED:
                lost.set()

    def allow_late_server() -> None:
        own_redis.command("ACL", "SETUSER", "late", "on", ">secret", "~*", "&*", "+@all")

    allow_late_server()
    late = ADAPTERS[kind](own_redis.url.replace("//", "//late:secret@"), key)
    async with nodes(late, ADAPTERS[kind](own_redis.url, key), prepare=prepare) as (there, here):
        client = await there.join("room")
        await there.subscribed()
        own_redis.kill()
        await lost.wait()
        for number in range(3):
            await here.io.to("room").emit("ev", number)
        own_redis.start(own_redis.port)
        await here.adapter.ready()
        assert not there.adapter.is_up
        allow_late_server()
        assert [await client.event() for _ in range(3)] == [["ev", 0], ["ev", 1], ["ev", 2]]
        health = here.adapter.health()
        assert (health.dropped, health.unconfirmed, health.queued_packets) == (0, 0, 0)
