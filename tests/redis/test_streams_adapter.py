"""The Redis streams adapter: entries, their order, outages, and a Redis that is full."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from support.node_messages import recorded, shown
from support.redis_nodes import nodes
from support.redis_server import RedisServer
from support.values import json_values

from trio_socketio import LocalProtocolError
from trio_socketio.adapters import AdapterState
from trio_socketio.adapters.cluster import Malformed, MessageType, decode
from trio_socketio.adapters.redis import PubSubBus, RedisStreamsAdapter
from trio_socketio.adapters.redis._stream_reader import StreamReader
from trio_socketio.adapters.redis._streams_wire import (
    decode_entry,
    fields_of,
    join_words,
    node_hash,
    split_words,
    stream_of,
)

pytestmark = pytest.mark.rows("I7")


def make(redis: RedisServer, key: str, **options: Any) -> RedisStreamsAdapter:
    return RedisStreamsAdapter(redis.url, channel_prefix=key, stream_name=key, **options)


# the format


@pytest.mark.parametrize("vector", recorded("redis_streams.md"), ids=lambda vector: vector.name)
def test_message_of_node_is_understood_and_written_alike(vector: Any) -> None:
    for line, expected in zip(vector.lines, vector.expect, strict=True):
        if line.kind == "envelope":
            assert shown(decode(line.payload)) == expected
            continue
        words = [word.encode() for word in json.loads(line.payload)]
        envelope = decode_entry(join_words(words))
        assert shown(envelope) == expected
        data = msgspec.to_builtins(envelope.data, builtin_types=(bytes,))
        own = decode_entry(join_words(fields_of(envelope.uid, envelope.nsp, envelope.type, data)))
        assert own == envelope


@pytest.mark.parametrize(
    ("text", "number"),
    [("", 0), ("/", 47), ("/chat", 46457863), ("/notifications", -1014064871), ("/😀", 1818066)],
)
def test_hash_is_that_which_node_computes(text: str, number: int) -> None:
    assert node_hash(text) == number


def test_stream_of_a_namespace_is_that_of_node_also_if_its_number_is_negative() -> None:
    assert stream_of("s", 1, "/notifications") == "s"
    assert stream_of("s", 5, "/") == "s-2"
    assert stream_of("s", 2, "/notifications") == "s--1"
    assert stream_of("s", 5, "/notifications") == "s--1"


@given(st.binary() | st.lists(st.binary(max_size=20), max_size=10).map(join_words))
def test_hostile_entry_is_malformed_or_understood(message: bytes) -> None:
    with suppress(Malformed):
        decode_entry(message)


@given(st.sampled_from([str(int(kind)) for kind in MessageType]), json_values(), st.booleans())
def test_entry_with_wrong_data_is_malformed_or_understood(kind: str, value: Any, is_object: bool) -> None:
    data = json.dumps({"opts": value, "packet": value, "rooms": value} if is_object else value).encode()
    words = [b"uid", b"x", b"nsp", b"/", b"type", kind.encode(), b"data", data]
    with suppress(Malformed):
        decode_entry(join_words(words))


# options


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"stream_count": 2}, "node_compatible_hash"),
        ({"stream_count": 0}, "stream_count"),
        ({"max_len": 0}, "max_len"),
        ({"read_count": 0}, "read_count"),
        ({"block_time": 0}, "block_time"),
    ],
)
def test_bad_option_is_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        RedisStreamsAdapter("redis://localhost", **options)


async def test_binary_is_refused_if_only_plaintext(redis: RedisServer, key: str) -> None:
    async with nodes(make(redis, key, only_plaintext=True), make(redis, key)) as (here, there):
        client = await there.join()
        with pytest.raises(LocalProtocolError, match="only_plaintext"):
            await here.io.emit("ev", b"x")
        await here.io.emit("ev", "x")
        assert await client.event() == ["ev", "x"]


async def test_namespaces_have_streams_by_hash(redis: RedisServer, key: str) -> None:
    options = {"stream_count": 2, "node_compatible_hash": True}
    made = [make(redis, key, **options) for _ in range(2)]
    async with nodes(*made, prepare=lambda node: node.io.of("/notifications")) as (here, there):
        main, other = await there.join(), await there.join(namespace="/notifications")
        await here.io.emit("ev")
        await here.io.of("/notifications").emit("ev")
        assert await main.event() == ["ev"]
        assert await other.receive() == '2/notifications,["ev"]'
    assert sorted(redis.command("KEYS", f"{key}-*")) == [f"{key}--1".encode(), f"{key}-1".encode()]


async def test_stream_is_trimmed(redis: RedisServer, key: str) -> None:
    async with nodes(make(redis, key, max_len=10)) as (node,):
        for _ in range(1000):
            await node.io.emit("ev")
        await node.adapter.stop()
        assert 10 <= redis.command("XLEN", key) <= 200


# receiving


async def test_events_arrive_in_the_order_of_the_stream(redis: RedisServer, key: str) -> None:
    async with nodes(make(redis, key, read_count=7), make(redis, key)) as (here, there):
        client = await here.join()
        for number in range(300):
            await there.io.emit("ev", number)
        assert [await client.event() for _ in range(300)] == [["ev", number] for number in range(300)]
        assert here.adapter.health().gaps == 0


async def test_entries_before_the_start_are_not_read(redis: RedisServer, key: str) -> None:
    opts = {"rooms": [], "except": [], "flags": {}}
    data = {"packet": {"type": 2, "data": ["old"]}, "opts": opts}
    redis.command("XADD", key, "*", *fields_of("x", "/", MessageType.BROADCAST, data))
    async with nodes(make(redis, key), make(redis, key)) as (here, there):
        client = await there.join()
        await here.io.emit("new")
        assert await client.event() == ["new"]


async def test_hostile_entry_is_counted(redis: RedisServer, key: str) -> None:
    async with nodes(make(redis, key), make(redis, key)) as (here, there):
        client = await there.join()
        redis.command("XADD", key, "*", "a", "b")
        redis.command("XADD", key, "*", "uid", "x", "nsp", "/", "type", "3", "data", b"\x80\x04.")
        redis.command("XADD", key, "*", "uid", "x", "nsp", "/", "type", "3")
        redis.command("XADD", key, "*", "uid", "x", "nsp", "/unknown", "type", "3", "data", "{}")
        redis.command("XADD", key, "*", "uid", "x" * 65, "nsp", "/", "type", "13")
        await here.io.emit("end")
        assert await client.event() == ["end"]
        assert there.rejected == {"garbage": 2, "invalid": 3}


# outages


async def test_nothing_is_lost_when_connections_are_cut(own_redis: RedisServer, key: str) -> None:
    async with nodes(make(own_redis, key)) as (node,):
        client = await node.join()
        for number in range(100):
            if number % 25 == 5:
                own_redis.command("CLIENT", "KILL", "TYPE", "pubsub")  # ends the link
            data = {"packet": {"type": 2, "data": ["ev", number]}, "opts": {}}
            own_redis.command("XADD", key, "*", *fields_of("x", "/", MessageType.BROADCAST, data))
        assert [await client.event() for _ in range(100)] == [["ev", number] for number in range(100)]
        assert node.adapter.health().gaps == 0


async def test_full_redis_is_counted_and_reported(own_redis: RedisServer, key: str) -> None:
    states: list[AdapterState] = []
    changed = trio.Event()

    async with nodes(make(own_redis, key), make(own_redis, key)) as (here, there):

        @here.io.on_adapter_state
        def note(state: AdapterState) -> None:
            nonlocal changed
            states.append(state)
            changed.set()
            changed = trio.Event()

        local, remote = await here.join(), await there.join()
        own_redis.command("CONFIG", "SET", "maxmemory", "1")
        noted = changed
        await here.io.emit("lost", 1)
        assert await local.event() == ["lost", 1]
        await noted.wait()
        assert states == [AdapterState.DEGRADED]
        assert here.adapter.health().dropped == 1
        own_redis.command("CONFIG", "SET", "maxmemory", "0")
        await here.io.emit("ev", 2)
        assert await local.event() == await remote.event() == ["ev", 2]
        assert states == [AdapterState.DEGRADED, AdapterState.UP]
        assert here.adapter.health().dropped == 1


class Reading:
    """A reader, and the connection that it uses.

    Attributes:
        gaps: how many gaps it has reported.
    """

    def __init__(self, redis: RedisServer, key: str, count: int = 100) -> None:
        self._redis, self._key = redis, key
        self._bus = PubSubBus(redis.url)
        self.gaps = 0
        self.reader = StreamReader(key, "own", count, 0.01, is_sealed=False, gap=self._found)

    def _found(self) -> None:
        self.gaps += 1

    def add(self, name: str, uid: str = "other") -> None:
        self._redis.command("XADD", self._key, "*", "uid", uid, "name", name)

    async def read(self, *, deliver: bool = True) -> list[str]:
        """Connect, and return the names of the next entries."""
        commands = await self._bus.dialer.commands(self._redis.address)
        await self.reader.begin(commands)
        names: list[str] = []
        while batch := await self.reader.read(commands):
            names.extend(split_words(content)[3].decode() for content in batch.contents)
            if deliver:
                self.reader.delivered(batch.last)
        await commands.connection.aclose()
        return names


async def test_reader_continues_on_the_next_connection(redis: RedisServer, key: str) -> None:
    reading = Reading(redis, key, count=3)
    reading.add("before")
    assert await reading.read() == []
    for number in range(20):
        reading.add(str(number))
    assert await reading.read() == [str(number) for number in range(20)]
    assert await reading.read() == []
    assert reading.gaps == 0


async def test_entries_that_were_not_delivered_are_read_again(redis: RedisServer, key: str) -> None:
    reading = Reading(redis, key)
    await reading.read()
    reading.add("a")
    assert await reading.read(deliver=False) == ["a"]
    reading.add("b")
    assert await reading.read() == ["a", "b"]


async def test_reader_leaves_out_its_own_entries(redis: RedisServer, key: str) -> None:
    reading = Reading(redis, key)
    await reading.read()
    reading.add("other")
    reading.add("own", "own")
    assert await reading.read() == ["other"]


async def test_trimmed_entries_are_a_gap(redis: RedisServer, key: str) -> None:
    reading = Reading(redis, key)
    reading.add("before")
    await reading.read()
    for number in range(10):
        reading.add(str(number))
    redis.command("XTRIM", key, "MAXLEN", "2")
    assert await reading.read() == ["8", "9"]
    assert reading.gaps == 1


async def test_stream_that_redis_has_lost_is_a_gap(redis: RedisServer, key: str) -> None:
    reading = Reading(redis, key)
    reading.add("before")
    await reading.read()
    redis.command("DEL", key)
    redis.command("XADD", key, "1-1", "uid", "other", "name", "early")
    assert await reading.read() == []
    assert reading.gaps == 1
    reading.add("new")
    assert await reading.read() == ["new"]
    assert reading.gaps == 1
