"""Emitters of this package: what they publish, and that it reaches the clients of servers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import trio
from support.node_messages import recorded
from support.redis_nodes import Node, nodes
from support.redis_server import RedisServer
from wsproto.events import CloseConnection

from trio_socketio import LocalProtocolError, ReservedEventError
from trio_socketio.adapters.redis import (
    Emitter,
    RedisAdapter,
    RedisShardedAdapter,
    RedisStreamsAdapter,
    ShardedEmitter,
    StreamsEmitter,
)


class Client:
    """The methods of a Redis client that emitters use."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    def publish(self, channel: str, message: bytes) -> Any:
        return self._server.command("PUBLISH", channel, message)

    def spublish(self, channel: str, message: bytes) -> Any:
        return self._server.command("SPUBLISH", channel, message)

    def xadd(self, name: str, fields: dict[bytes, bytes], *, maxlen: int, approximate: bool) -> Any:
        assert approximate
        words = [word for field in fields.items() for word in field]
        return self._server.command("XADD", name, "MAXLEN", "~", str(maxlen), "*", *words)


class Recorder:
    """A client that keeps what is published."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes]] = []

    def publish(self, channel: str, message: bytes) -> int:
        self.published.append((channel, message))
        return 1


def plain(payload: bytes) -> Any:
    return json.loads(payload) if payload.startswith(b"{") else msgspec.msgpack.decode(payload)


#: What Node's emitter did when the vectors were recorded.
CALLS: dict[str, tuple[str, Callable[[Emitter], object]]] = {
    "event with binary": ("socket.io#/#", lambda io: io.emit("hi", 1, b"\x09")),
    "event for one room, with an exception and flags": (
        "socket.io#/#r#",
        lambda io: io.to("r").except_("x").volatile.emit("hi"),
    ),
    "event for two rooms": ("socket.io#/#", lambda io: io.to("r", ["s"]).emit("hi")),
    "event of another namespace": ("socket.io#/ok#", lambda io: io.of("ok").emit("hi")),
    "joining a room": ("socket.io-request#/#", lambda io: io.in_("s").sockets_join("j")),
    "leaving rooms": ("socket.io-request#/#", lambda io: io.sockets_leave(["j", "k"])),
    "event for servers": ("socket.io-request#/#", lambda io: io.server_side_emit("sse", 5)),
    "disconnecting sockets": (
        "socket.io-request#/#",
        lambda io: io.in_("nobody").disconnect_sockets(close=True),
    ),
}


@pytest.mark.rows("I8")
@pytest.mark.parametrize("name", CALLS)
def test_emitter_publishes_what_that_of_node_does(name: str) -> None:
    channel, call = CALLS[name]
    redis = Recorder()
    assert call(Emitter(redis)) == 1
    (vector,) = [item for item in recorded("redis_classic.md") if item.name == f"Emitter: {name}"]
    ((published_to, payload),) = redis.published
    expected = plain(vector.lines[0].payload)
    if isinstance(expected, list):
        expected[1]["data"] = tuple(expected[1]["data"])
        expected[2]["rooms"] = set(expected[2]["rooms"])
        expected[2]["flags"].pop("compress", None)  # true is the default
    own = plain(payload)
    if isinstance(own, list):
        own[1]["data"], own[2]["rooms"] = tuple(own[1]["data"]), set(own[2]["rooms"])
    elif "uid" not in expected:
        assert own.pop("uid") == "emitter"
    assert (published_to, own) == (channel, expected)


def test_choice_is_a_copy() -> None:
    redis = Recorder()
    io = Emitter(redis, key="app")
    io.to("a").compress(False).of("/x").emit("ev")
    io.emit("ev")
    assert [channel for channel, _ in redis.published] == ["app#/x#", "app#/#"]
    assert all(
        plain(payload)[2] == {"rooms": [], "except": [], "flags": {}} for _, payload in redis.published
    )
    io.compress(False).emit("ev")
    assert plain(redis.published[-1][1])[2]["flags"] == {"compress": False}


@pytest.mark.parametrize("call", [lambda io: io.emit("ev"), lambda io: io.sockets_join("r")])
async def test_empty_choice_publishes_nothing(call: Callable[[Emitter], Any]) -> None:
    redis = Recorder()
    nothing = call(Emitter(redis).to([]))
    assert nothing == 0 == await nothing
    assert not redis.published


async def test_emitter_can_be_awaited_with_an_asynchronous_client() -> None:
    class Asynchronous:
        async def publish(self, channel: str, message: bytes) -> int:
            await trio.lowlevel.checkpoint()
            return 3

    assert await Emitter(Asynchronous()).emit("ev") == 3


def test_emitter_refuses_what_no_server_would_send() -> None:
    io = Emitter(Recorder())
    with pytest.raises(ReservedEventError):
        io.emit("disconnect")
    with pytest.raises(LocalProtocolError):
        io.emit("ev", object())
    with pytest.raises(TypeError):
        io.to(5)  # type: ignore[arg-type]


@pytest.mark.rows("I8", "I9")
@pytest.mark.parametrize(
    ("emitter", "adapter"),
    [
        pytest.param(
            lambda server, key: Emitter(Client(server), key=key),
            lambda url, key: RedisAdapter(url, key=key),
            id="classic",
        ),
        pytest.param(
            lambda server, key: ShardedEmitter(Client(server), channel_prefix=key),
            lambda url, key: RedisShardedAdapter(url, channel_prefix=key),
            id="sharded",
        ),
        pytest.param(
            lambda server, key: StreamsEmitter(Client(server), stream_name=key),
            lambda url, key: RedisStreamsAdapter(url, channel_prefix=key, stream_name=key),
            id="streams",
        ),
        pytest.param(
            lambda server, key: StreamsEmitter(Client(server), stream_name=key, stream_count=3),
            lambda url, key: RedisStreamsAdapter(
                url, channel_prefix=key, stream_name=key, stream_count=3, node_compatible_hash=True
            ),
            id="streams-3",
        ),
    ],
)
async def test_emitter_reaches_clients(emitter: Any, adapter: Any, redis: RedisServer, key: str) -> None:
    told = trio.Event()

    def prepare(node: Node) -> None:
        node.io.on_server("told")(lambda number: told.set())

    io = emitter(redis, key)
    async with nodes(adapter(redis.url, key), adapter(redis.url, key), prepare=prepare) as (here, there):
        one, two = await here.join("a"), await there.join("a", "muted")
        await here.subscribed()
        io.to("a").except_("muted").emit("ev", b"\xff", 1)
        io.emit("all")
        assert await one.receive() == '51-["ev",{"_placeholder":true,"num":0},1]'
        assert await one.receive() == b"\xff"
        assert await one.event() == ["all"]
        assert await two.event() == ["all"]
        io.in_("muted").sockets_join("b")
        io.sockets_leave("muted")
        io.except_("b").disconnect_sockets(close=True)
        assert await one.receive() == "1"
        assert isinstance(await one.receive(), CloseConnection)
        io.server_side_emit("told", 1)
        await told.wait()
        assert [socket.rooms for socket in there.io.sockets.values()] == [{two.sids["/"], "a", "b"}]
        assert (here.rejected, there.rejected) == ({}, {})
