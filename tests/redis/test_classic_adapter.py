"""The classic Redis adapter: requests of other servers, and its own channels."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import trio
from support.redis_nodes import Node, listener, nodes
from support.redis_server import RedisServer

from trio_socketio.adapters.redis import RedisAdapter

pytestmark = pytest.mark.rows("I5")


class Other:
    """Another server of the cluster, which a test plays.

    Attributes:
        node: the server under test.
    """

    def __init__(self, node: Node, redis: RedisServer, key: str, received: Any) -> None:
        self.node, self._redis, self._key, self._received = node, redis, key, received

    def ask(self, request: dict[str, Any] | bytes) -> None:
        """Publish a request."""
        payload = request if isinstance(request, bytes) else json.dumps(request).encode()
        self._redis.command("PUBLISH", f"{self._key}-request#/#", payload)

    def broadcast(self, message: Any, room: str = "") -> None:
        payload = message if isinstance(message, bytes) else msgspec.msgpack.encode(message)
        self._redis.command("PUBLISH", f"{self._key}#/#{room}", payload)

    async def next(self) -> tuple[str, Any]:
        """Return the next message of the server: its channel without the key, and what it says."""
        channel, payload = await self._received.receive()
        is_json = payload.startswith(b"{")
        value = json.loads(payload) if is_json else msgspec.msgpack.decode(payload)
        return channel.removeprefix(self._key), value

    async def answer(self) -> Any:
        """Return what the next answer says, without the keys that Node does not have."""
        _, value = await self.next()
        return {key: item for key, item in value.items() if key not in {"uid", "seq", "sids", "sid", "args"}}


@asynccontextmanager
async def other(redis: RedisServer, key: str, **options: Any) -> AsyncIterator[Other]:
    async with (
        nodes(RedisAdapter(redis.url, key=key, **options)) as (node,),
        listener(redis.url, f"{key}-response#/#*") as received,
    ):
        yield Other(node, redis, key, received)


async def test_requests_for_names_are_answered(redis: RedisServer, key: str) -> None:
    async with other(redis, key) as server:
        one, two = await server.node.join("a"), await server.node.join("b")
        server.ask({"uid": "x", "requestId": "r1", "type": 0, "rooms": ["a"]})
        assert await server.answer() == {"requestId": "r1", "sockets": [one.sids["/"]]}
        server.ask({"uid": "x", "requestId": "r2", "type": 1})
        answer = await server.answer()
        assert set(answer["rooms"]) == {one.sids["/"], two.sids["/"], "a", "b"}


async def test_old_requests_for_one_socket_are_answered(redis: RedisServer, key: str) -> None:
    async with other(redis, key) as server:
        client = await server.node.join("a")
        sid = client.sids["/"]
        (socket,) = server.node.io.sockets.values()
        server.ask({"uid": "x", "requestId": "none", "type": 2, "sid": "elsewhere", "room": "b"})
        server.ask({"uid": "x", "requestId": "r1", "type": 2, "sid": sid, "room": "b"})
        assert await server.answer() == {"requestId": "r1"}
        assert socket.rooms == {sid, "a", "b"}
        server.ask({"uid": "x", "requestId": "r2", "type": 3, "sid": sid, "room": "a"})
        assert await server.answer() == {"requestId": "r2"}
        assert socket.rooms == {sid, "b"}
        server.ask({"uid": "x", "requestId": "r3", "type": 4, "sid": sid})
        assert await server.answer() == {"requestId": "r3"}
        assert await client.receive() == "1"


async def test_sockets_are_described(redis: RedisServer, key: str) -> None:
    async with other(redis, key) as server:
        client = await server.node.join("a")
        (socket,) = server.node.io.sockets.values()
        socket.data["name"] = "ü"
        server.ask({"uid": "x", "requestId": "r", "type": 5, "opts": {"rooms": ["a"], "except": []}})
        (described,) = (await server.answer())["sockets"]
        assert described["id"] == client.sids["/"]
        assert set(described["rooms"]) == {client.sids["/"], "a"}
        assert described["data"] == {"name": "ü"}
        assert described["handshake"]["query"]["EIO"] == "4"


async def test_broadcast_with_acknowledgements(redis: RedisServer, key: str) -> None:
    async with other(redis, key) as server:
        client = await server.node.join("a")
        opts = {"rooms": ["a"], "except": [], "flags": {"timeout": 2000}}
        packet = {"type": 2, "data": ["ask", 1], "nsp": "/"}
        message = {"uid": "x", "requestId": "r", "type": 7, "packet": packet, "opts": opts}
        server.ask(msgspec.msgpack.encode(message))
        assert await server.answer() == {"requestId": "r", "type": 8, "clientCount": 1}
        question = await client.receive()
        await client.send(f'3{question[1 : question.index("[")]}[{{"ok":1}},2]')
        assert await server.answer() == {"requestId": "r", "type": 9, "packet": {"ok": 1}}


async def test_answers_go_to_the_specific_channel_except_for_values(redis: RedisServer, key: str) -> None:
    async with nodes(
        RedisAdapter(redis.url, key=key, publish_on_specific_response_channel=True),
        prepare=lambda node: node.io.on_server("ask")(lambda: 5),
    ) as (node,):
        async with (
            listener(redis.url, f"{key}-response#/#") as shared,
            listener(redis.url, f"{key}-response#/#x#") as specific,
        ):
            server = Other(node, redis, key, shared)
            server.ask({"uid": "x", "requestId": "r1", "type": 1})
            _, payload = await specific.receive()
            assert json.loads(payload)["requestId"] == "r1"
            server.ask({"uid": "x", "requestId": "r2", "type": 6, "data": ["ask"]})
            assert await server.answer() == {"requestId": "r2", "type": 6, "data": 5}
            server.ask({"requestId": "r3", "type": 1})
            assert (await server.answer())["requestId"] == "r3"


async def test_answers_of_servers_without_ids_are_counted(redis: RedisServer, key: str) -> None:
    async with (
        nodes(RedisAdapter(redis.url, key=key)) as (node,),
        listener(redis.url, f"{key}-request#/#") as requests,
    ):
        server = Other(node, redis, key, requests)
        fetched: list[Any] = []

        async def fetch() -> None:
            fetched.extend(await node.io.fetch_sockets())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(fetch)
            _, request = await server.next()
            sockets = [{"id": "s", "handshake": {"auth": {}}, "rooms": ["s", "a"], "data": {"x": 1}}]
            answer = {"requestId": request["requestId"], "sockets": sockets}
            redis.command("PUBLISH", f"{key}-response#/#", json.dumps({**answer, "requestId": "other"}))
            redis.command("PUBLISH", f"{key}-response#/#", json.dumps(answer))
        assert [(socket.id, socket.rooms, socket.data) for socket in fetched] == [("s", {"s", "a"}, {"x": 1})]
        assert node.rejected == {}


async def test_message_of_a_room_is_received_once(redis: RedisServer, key: str) -> None:
    async with other(redis, key) as server:
        client = await server.node.join("a#b*")
        packet = {"type": 2, "data": ["ev"]}
        opts = {"rooms": ["a#b*"], "except": [], "flags": {}}
        server.broadcast(["x", packet, opts], "a#b*#")
        server.broadcast(["y", packet, opts, 1])
        server.broadcast(["y", packet, opts, 1])  # a copy
        server.broadcast([server.node.adapter.uid, packet, opts])  # its own message that comes back
        server.broadcast(["x", {"type": 2, "data": ["end"], "nsp": "/"}, {}])
        assert [await client.event() for _ in range(3)] == [["ev"], ["ev"], ["end"]]
        assert server.node.rejected == {"copy": 1}


async def test_hostile_message_is_counted(redis: RedisServer, key: str) -> None:
    async with other(redis, key) as server:
        client, stranger = await server.node.join("a"), await server.node.join()
        server.ask({"uid": "x", "requestId": "r", "type": 5})
        server.ask({"uid": "x", "type": 2, "rooms": ["b"]})
        server.ask(b"\x80\x04\x95.")
        server.ask({"type": 2, "opts": {"rooms": ["a"]}, "rooms": [stranger.sids["/"]]})
        server.broadcast(["x", {"type": 2, "data": ["ev"], "nsp": "/other"}, {}])
        server.broadcast(b"\xc1")
        server.broadcast(["x", {"type": 2, "data": ["disconnect"]}, {}])
        server.broadcast(["x", {"type": 2, "data": ["end"]}, {"rooms": []}])
        assert await client.event() == ["end"]
        assert await stranger.event() == ["end"]
        assert server.node.rejected == {
            "request without opts": 2,
            "invalid": 2,
            "room of another socket": 1,
            "other namespace": 1,
            "garbage": 1,
        }


async def test_each_namespace_subscribes_once_and_stopping_unsubscribes(redis: RedisServer, key: str) -> None:
    async with nodes(RedisAdapter(redis.url, key=key), prepare=lambda node: node.io.of("/chat")):
        counts = redis.command("PUBSUB", "NUMSUB", f"{key}-request#/#", f"{key}-request#/chat#")
        assert counts[1::2] == [1, 1]
    assert redis.command("PUBSUB", "CHANNELS", f"{key}*") == []
