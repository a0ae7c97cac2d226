"""The sharded Redis adapter: the channels of rooms."""

from __future__ import annotations

import re
from typing import Any

import pytest
import trio
from support.node_messages import recorded, shown
from support.redis_nodes import Node, nodes
from support.redis_server import RedisServer

from trio_socketio.adapters.cluster import decode
from trio_socketio.adapters.redis import RedisShardedAdapter
from trio_socketio.adapters.redis._sharded_adapter import utf16_length

pytestmark = pytest.mark.rows("I6")

SHORT, LONG = "x" * 19 + "ü", "x" * 21


@pytest.mark.parametrize("vector", recorded("redis_sharded.md"), ids=lambda vector: vector.name)
def test_message_of_node_is_understood(vector: Any) -> None:
    assert [shown(decode(line.payload)) for line in vector.lines] == vector.expect


def rooms(redis: RedisServer, key: str, node: Node) -> set[str]:
    """Return the rooms whose channels are subscribed to, as Redis says."""
    channels = [channel.decode() for channel in redis.command("PUBSUB", "SHARDCHANNELS", f"{key}#/#*")]
    return {channel.removeprefix(f"{key}#/#").rstrip("#") for channel in channels} - {"", node.adapter.uid}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("static", lambda sid: set()),
        ("dynamic", lambda sid: {"a", LONG}),
        ("dynamic-private", lambda sid: {"a", LONG, SHORT, sid}),
    ],
)
async def test_rooms_have_channels_by_mode(mode: Any, expected: Any, redis: RedisServer, key: str) -> None:
    adapter = RedisShardedAdapter(redis.url, channel_prefix=key, subscription_mode=mode)
    async with nodes(adapter) as (node,):
        client = await node.join("a", SHORT, LONG, "left", node.adapter.uid)
        (socket,) = node.io.sockets.values()
        socket.leave("left", node.adapter.uid)
        await node.subscribed()
        assert rooms(redis, key, node) == expected(client.sids["/"])
        socket.disconnect()
        assert await client.receive() == "1"
        await node.subscribed()
        assert rooms(redis, key, node) == set()


@pytest.mark.parametrize("mode", ["static", "dynamic", "dynamic-private"])
async def test_socket_with_an_id_of_another_length_is_reached(
    mode: Any, redis: RedisServer, key: str
) -> None:
    made = [RedisShardedAdapter(redis.url, channel_prefix=key, subscription_mode=mode) for _ in range(2)]
    async with nodes(*made, prepare=lambda node: node.io.of("/long")) as (here, there):
        client = await there.join(LONG, namespace="/long")
        await there.subscribed()
        await here.io.of("/long").to(LONG).emit("ev")
        await here.io.of("/long").to(client.sids["/long"]).emit("own")
        events = {await client.receive(), await client.receive()}
        assert events == {'2/long,["ev"]', '2/long,["own"]'}


def subscribe_commands(redis: RedisServer) -> int:
    """Return how often channels were subscribed to or unsubscribed from."""
    statistics = redis.command("INFO", "commandstats").decode()
    return sum(map(int, re.findall(r"cmdstat_s(?:un)?subscribe:calls=(\d+)", statistics)))


@pytest.mark.rows("G06")
async def test_rooms_that_come_and_go_on_four_servers_leave_no_subscription(
    redis: RedisServer, key: str
) -> None:
    adapters = [RedisShardedAdapter(redis.url, channel_prefix=key) for _ in range(4)]
    async with nodes(*adapters) as servers:
        for node in servers:
            await node.join("kept")
        sockets = [socket for node in servers for socket in node.io.sockets.values()]
        before = subscribe_commands(redis)
        for start in range(0, 10_000, 100):
            names = [f"room {number}" for number in range(start, start + 100)]
            socket = sockets[start // 100 % len(sockets)]
            socket.join(*names)
            if start % 500 == 0:
                await trio.lowlevel.checkpoint()
            socket.leave(*names)
        for node in servers:
            await node.subscribed()
        uids = {node.adapter.uid for node in servers}
        assert rooms(redis, key, servers[0]) - uids == {"kept"}
        assert subscribe_commands(redis) - before < 200


def test_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="'dynamic', 'static', 'dynamic-private'"):
        RedisShardedAdapter("redis://localhost", subscription_mode="public")  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "length"), [("", 0), ("abc", 3), ("ü", 1), ("😀", 2), ("\ud800", 1)])
def test_length_is_that_of_javascript(text: str, length: int) -> None:
    assert utf16_length(text) == length
