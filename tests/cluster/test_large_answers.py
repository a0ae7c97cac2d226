"""Answers to other servers that do not fit into one message, and values that not every encoding can hold."""

from __future__ import annotations

import math
from typing import Any

import pytest
import trio
from support.cluster import Node, cluster
from trio.testing import wait_all_tasks_blocked

from trio_socketio import ClusterTimeout, LocalProtocolError
from trio_socketio.adapters.cluster import MessageType, encode, portable


@pytest.mark.rows("G11")
async def test_sockets_that_do_not_fit_into_one_message_come_in_parts(autojump_clock) -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        for _ in range(12):
            await there.wire.connect()
        for socket in there.io.sockets.values():
            socket.data["text"] = socket.id * 2000  # 40 kB each, and a message has at most 100 kB
        found = await here.io.fetch_sockets()
        assert {item.id: item.data for item in found} == {
            key: socket.data for key, socket in there.io.sockets.items()
        }


async def test_many_sockets_come_in_parts() -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        for _ in range(110):
            await there.wire.connect()
        assert {item.id for item in await here.io.fetch_sockets()} == set(there.io.sockets)
        assert there.adapter._tasks == 0


async def test_of_a_socket_that_is_too_large_for_a_message_only_the_id_is_told(caplog) -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        await there.wire.connect()
        await there.wire.connect()
        large, small = there.io.sockets.values()
        large.data["text"] = "x" * 100_000
        small.data["text"] = "y"
        found = {item.id: item.data for item in await here.io.fetch_sockets()}
        assert found == {large.id: None, small.id: {"text": "y"}}
        assert f"the data of socket {large.id}" in caplog.text


async def test_server_whose_answer_lost_a_part_has_not_answered(autojump_clock) -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        for _ in range(110):
            await there.wire.connect()
        publish, parts = there.bus.publish, 0

        async def lose_the_first_part(batch: Any) -> None:
            nonlocal parts
            kept = []
            for item in batch:
                is_part = b'"more":true' in item[1]
                parts += is_part
                if not is_part or parts != 1:
                    kept.append(item)
            await publish(kept)

        there.bus.publish = lose_the_first_part
        with pytest.raises(ClusterTimeout) as caught:
            await here.io.fetch_sockets()
        assert caught.value.missing == {there.adapter.uid}
        assert len(caught.value.partial) == 10


def test_portable_leaves_out_what_either_encoding_cannot_hold() -> None:
    assert portable({"n": 2**70, "binary": b"x", "text": "\ud800"}) == {"binary": b"x", "text": "\ud800"}
    assert portable(2**70) is None


async def test_large_number_of_one_socket_and_binary_of_another_can_be_fetched() -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        await there.wire.connect()
        await there.wire.connect()
        first, second = there.io.sockets.values()
        first.data.update(large=2**70, small=1)
        second.data["picture"] = b"x"
        found = {item.id: item.data for item in await here.io.fetch_sockets()}
        assert found == {first.id: {"small": 1}, second.id: {"picture": b"x"}}


async def test_acknowledgements_come_without_names_if_these_are_too_many() -> None:
    async with cluster() as servers:
        here = await servers.add()
        there: Node = await servers.add(faults={"max_publish_bytes": 400})
        clients = [await there.wire.connect() for _ in range(30)]
        answers = None

        async def call() -> None:
            nonlocal answers
            answers = await here.io.call("ask", timeout=5)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call)
            for client in clients:
                message = await client.receive()
                await client.send(f"3{message[1 : message.index('[')]}[1]")
        assert answers is not None
        assert (answers.values, answers.unnamed, answers.is_complete) == ({}, (1,) * 30, True)
        assert not any(socket.calls for socket in there.io.of("/")._namespace.adapter.members.values())


async def test_call_without_a_limit_of_time() -> None:
    async with cluster(2) as servers:
        assert await servers.nodes[0].io.call("ask", timeout=math.inf) == ({}, frozenset())


async def test_rooms_that_are_too_long_to_publish_are_not_joined_here() -> None:
    async with cluster(1) as servers:
        node = servers.nodes[0]
        await node.wire.connect()
        (socket,) = node.io.sockets.values()
        with pytest.raises(LocalProtocolError, match="exceeds max_publish_bytes"):
            await node.io.sockets_join("r" * 100_000)
        assert socket.rooms == {socket.id}


@pytest.mark.rows("I19")
async def test_sockets_of_this_server_do_not_wait_for_room_in_the_queue(autojump_clock) -> None:
    async with cluster() as servers:
        node = await servers.add(queue_packets=1, link_timeout=100)
        node.bus.is_frozen = True
        await node.wire.connect()
        (socket,) = node.io.sockets.values()
        socket.join("r")
        await node.io.emit("fills the queue")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(node.io.sockets_leave, "r")
            nursery.start_soon(node.io.disconnect_sockets)
            await wait_all_tasks_blocked()
            assert socket.rooms == frozenset()
            assert not socket.connected
            nursery.cancel_scope.cancel()
        assert node.adapter.health().dropped == 2


async def test_flood_of_initial_heartbeats_is_answered_by_few(autojump_clock) -> None:
    async with cluster(1) as servers:
        node = servers.nodes[0]
        node.bus.published.clear()
        for number in range(500):
            node.inject(encode(f"{number:016x}", "/", MessageType.INITIAL_HEARTBEAT, None, 1))
        await wait_all_tasks_blocked()
        assert len(node.bus.published) == 100
        await trio.sleep(1.1)
        assert len(node.bus.published) == 101  # for the other four hundred
        await trio.sleep(12)
        assert len(node.bus.published) == 103


async def test_answers_to_one_request_are_bounded(monkeypatch: pytest.MonkeyPatch, autojump_clock) -> None:
    monkeypatch.setattr("trio_socketio.adapters.cluster._requests.MOST_ANSWERS", 3)
    monkeypatch.setattr("trio_socketio.adapters.cluster._asking.MOST_ANSWERS", 3)
    async with cluster(2) as servers:
        here, there = servers.nodes
        there.bus.is_frozen = True
        async with trio.open_nursery() as nursery:

            async def fetch() -> None:
                with pytest.raises(ClusterTimeout) as caught:
                    await here.io.fetch_sockets()
                assert len(caught.value.partial) == 6

            nursery.start_soon(fetch)
            await wait_all_tasks_blocked()
            (request,) = here.io.of("/")._namespace.adapter.requests
            for number in range(10):
                for more in (False, True):
                    sockets = [{"id": f"{number}{more}"}]
                    data = {"requestId": request.id, "sockets": sockets, "more": more}
                    kind = MessageType.FETCH_SOCKETS_RESPONSE
                    node = f"{number}{more}"
                    here.inject(encode(node, "/", kind, data, 1), f"socket.io#/#{here.adapter.uid}#")
