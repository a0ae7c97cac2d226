"""Messages of python-socketio's write-only managers."""

from __future__ import annotations

import json
import pickle
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio
from support.redis_nodes import Node, nodes
from support.redis_server import RedisServer

from trio_socketio.adapters.redis import RedisAdapter


class Bridge:
    """A server, and the channel of python-socketio."""

    def __init__(self, node: Node, redis: RedisServer, channel: str) -> None:
        self.node, self._redis, self._channel = node, redis, channel

    def publish(self, payload: bytes) -> None:
        assert self._redis.command("PUBLISH", self._channel, payload) == 1

    def tell(self, method: str, **keys: Any) -> None:
        """Publish a message with the keys that python-socketio always has."""
        self.publish(json.dumps({"method": method, "namespace": "/", "host_id": "a" * 32, **keys}).encode())

    def emit(self, event: str, *args: Any, binary: bool = False, **keys: Any) -> None:
        message = {"room": None, "skip_sid": None, "callback": None, **keys}
        self.tell("emit", event=event, data=list(args), binary=binary, **message)


@pytest.fixture
async def bridge(redis: RedisServer, key: str) -> AsyncIterator[Bridge]:
    async with nodes(RedisAdapter(redis.url, key=key, python_socketio_channel=f"{key}-py")) as (node,):
        yield Bridge(node, redis, f"{key}-py")


async def test_event_reaches_rooms_and_spares_sockets(bridge: Bridge) -> None:
    one, two, three = [await bridge.node.join(*rooms) for rooms in (["a"], ["a", "b"], ["c"])]
    bridge.emit("ev", {"x": 1}, 2, room="a", skip_sid=one.sids["/"])
    bridge.emit("list", "x", room=["b", "c"], skip_sid=[three.sids["/"]])
    bridge.emit("none", 1, room=[])
    bridge.emit("all", None)
    assert [await two.event() for _ in range(3)] == [["ev", {"x": 1}, 2], ["list", "x"], ["all", None]]
    assert await one.event() == await three.event() == ["all", None]


async def test_binary_follows_the_arguments_as_base64(bridge: Bridge) -> None:
    client = await bridge.node.join()
    bridge.emit("ev", [{"a": {"_placeholder": True, "num": 0}}], "AP8=", binary=True)
    assert await client.receive() == '51-["ev",{"a":{"_placeholder":true,"num":0}}]'
    assert await client.receive() == b"\x00\xff"


async def test_methods_for_sockets(bridge: Bridge) -> None:
    client = await bridge.node.join("a")
    sid = client.sids["/"]
    bridge.tell("enter_room", sid=sid, room="b")
    bridge.tell("leave_room", sid=sid, room="a")
    bridge.emit("b", 1, room="b")
    bridge.emit("a", 1, room="a")
    bridge.tell("close_room", room="b")
    bridge.emit("b", 2, room="b")
    bridge.tell("disconnect", sid=sid)
    assert await client.event() == ["b", 1]
    assert await client.receive() == "1"


async def test_numbers_are_names_of_rooms(bridge: Bridge) -> None:
    client = await bridge.node.join()
    sid = client.sids["/"]
    bridge.tell("enter_room", sid=sid, room=42)
    bridge.emit("ev", 1, room=42)
    bridge.emit("ev", 2, room=[0, 42])
    bridge.emit("ev", 3, room=0)
    bridge.emit("ev", 4, skip_sid=42)
    bridge.tell("leave_room", sid=sid, room=42)
    bridge.emit("ev", 5, room="42")
    bridge.emit("end", 1)
    assert [await client.event() for _ in range(3)] == [["ev", 1], ["ev", 2], ["end", 1]]


async def test_room_of_another_socket_is_not_entered(bridge: Bridge) -> None:
    one, two = await bridge.node.join(), await bridge.node.join()
    bridge.tell("enter_room", sid=one.sids["/"], room=two.sids["/"])
    bridge.emit("ev", 1, room=two.sids["/"])
    bridge.emit("end", 1)
    assert await two.event() == ["ev", 1]
    assert await one.event() == ["end", 1]
    assert bridge.node.rejected == {"room of another socket": 1}


class Bomb:
    """An object whose pickle would execute code."""

    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('unpickled')",)


@pytest.mark.parametrize(
    ("payload", "defect"),
    [
        (pickle.dumps(Bomb()), "pickle"),
        (b"", "garbage"),
        (b"[]", "invalid"),
        (b'{"method":"emit"}', "invalid"),
        (b'{"method":"emit","event":"ev"}', "invalid"),
        (b'{"method":"emit","event":"ev","data":[]}', "invalid"),
        (b'{"method":"emit","event":"ev","data":[1],"room":true}', "invalid"),
        (b'{"method":"emit","event":"ev","data":[1],"binary":true}', "invalid"),
        (b'{"method":"emit","event":"ev","data":[[1],"AA=="],"binary":true}', "invalid"),
        (
            b'{"method":"emit","event":"ev","data":[[{"_placeholder":true,"num":0}],"-"],"binary":true}',
            "invalid",
        ),
        (
            b'{"method":"emit","event":"ev","data":[[{"_placeholder":true,"num":0}],5],"binary":true}',
            "invalid",
        ),
        (b'{"method":"emit","event":"disconnect","data":[1]}', "invalid"),
        (b'{"method":"enter_room","sid":"x"}', "invalid"),
        (b'{"method":"callback","sid":"x"}', "unknown type"),
        (b'{"method":' * 100_000, "invalid"),
    ],
)
async def test_hostile_message_is_counted(bridge: Bridge, payload: bytes, defect: str) -> None:
    client = await bridge.node.join()
    bridge.publish(payload)
    bridge.emit("end", 1)
    assert await client.event() == ["end", 1]
    assert bridge.node.rejected == {defect: 1}


async def test_message_for_an_unknown_namespace_is_ignored(bridge: Bridge) -> None:
    client = await bridge.node.join()
    bridge.emit("ev", 1, namespace="/unknown")
    bridge.emit("end", 1)
    assert await client.event() == ["end", 1]
    assert bridge.node.rejected == {}


async def test_bridge_is_off_by_default(redis: RedisServer, key: str) -> None:
    async with nodes(RedisAdapter(redis.url, key=key)):
        assert redis.command("PUBSUB", "NUMSUB", "socketio")[1] == 0
        await trio.lowlevel.checkpoint()


def test_bridge_with_a_secret_is_refused(redis: RedisServer) -> None:
    with pytest.raises(ValueError, match="secret"):
        RedisAdapter(redis.url, python_socketio_channel="socketio", secret=b"x" * 16)
