"""Heartbeats: which servers there are, when one dies, and when one leaves."""

from __future__ import annotations

import msgspec
import pytest
import trio
from support.cluster import Cluster, Node, cluster
from trio.testing import wait_all_tasks_blocked

pytestmark = pytest.mark.rows("I4")


def types(node: Node) -> list[int]:
    return [msgspec.json.decode(payload)["type"] for _, payload in node.bus.published]


def names(servers: Cluster) -> list[set[str]]:
    """Return for each server the ids of the others that it knows."""
    return [set(node.io.of("/")._namespace.adapter.nodes.seen) for node in servers.nodes]


async def test_servers_learn_of_each_other_at_once(autojump_clock) -> None:
    async with cluster(3) as servers:
        everyone = {node.adapter.uid for node in servers.nodes}
        assert names(servers) == [everyone - {node.adapter.uid} for node in servers.nodes]
        assert trio.current_time() == 0
        assert types(servers.nodes[0]) == [1, 2, 2]
        assert types(servers.nodes[2]) == [1]
        assert await servers.nodes[0].io.of("/")._namespace.adapter.server_count() == 3
        for node in servers.nodes:
            assert len(node.adapter.uid) == 16
            assert int(node.adapter.uid, 16) >= 0


async def test_heartbeat_is_published_after_each_interval_without_a_message(autojump_clock) -> None:
    async with cluster(1) as servers:
        node = servers.nodes[0]
        await trio.sleep(4)
        await node.io.emit("ev")
        await trio.sleep(4.9)
        assert types(node) == [1, 3]
        await trio.sleep(0.2)
        assert types(node) == [1, 3, 2]
        await trio.sleep(10)
        assert types(node) == [1, 3, 2, 2, 2]


async def test_silent_server_is_forgotten_after_the_timeout(autojump_clock) -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        await trio.sleep(60)
        assert names(servers) == [{there.adapter.uid}, {here.adapter.uid}]
        there.bus.is_frozen = True
        await trio.sleep(4.5)
        assert names(servers)[0]
        await trio.sleep(10.5)
        assert names(servers)[0] == set()
        there.bus.is_frozen = False


async def test_pending_request_stops_waiting_for_a_server_that_dies(autojump_clock) -> None:
    async with cluster(2, requests_timeout=60) as servers:
        here, there = servers.nodes
        there.bus.is_frozen = True
        began = trio.current_time()
        assert await here.io.fetch_sockets() == []
        assert trio.current_time() - began == pytest.approx(10, abs=0.1)


async def test_server_that_stops_leaves_at_once(autojump_clock) -> None:
    async with cluster(1, requests_timeout=60) as servers:
        here = servers.nodes[0]
        async with cluster() as others:
            others.hub = servers.hub
            there = await others.add()
            assert names(servers) == [{there.adapter.uid}]
        assert types(there)[-1] == 13
        assert names(servers) == [set()]
        assert trio.current_time() < 1
        assert await here.io.fetch_sockets() == []


async def test_emitter_is_no_server(autojump_clock) -> None:
    async with cluster(1) as servers:
        node = servers.nodes[0]
        client = await node.wire.connect()
        node.inject(
            b'{"uid":"emitter","nsp":"/","type":3,"data":{"opts":{"rooms":[],"except":[],"flags":{}},'
            b'"packet":{"type":2,"data":["ev"],"nsp":"/"}}}'
        )
        assert await client.event() == ["ev"]
        assert names(servers) == [set()]


async def test_node_without_our_extensions_takes_part(autojump_clock) -> None:
    async with cluster(1) as servers:
        node = servers.nodes[0]
        node.inject(b'{"type":1,"uid":"00aa","nsp":"/"}')
        await wait_all_tasks_blocked()
        assert types(node) == [1, 2]
        assert names(servers) == [{"00aa"}]
        node.inject(b'{"type":13,"uid":"00aa","nsp":"/"}')
        await wait_all_tasks_blocked()
        assert names(servers) == [set()]
        assert node.rejected == {}


async def test_clocks_of_servers_do_not_matter_while_the_link_is_lost(autojump_clock) -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        here.bus.is_down = True
        here.bus.cut()
        await trio.sleep(100)
        assert names(servers) == [{there.adapter.uid}, set()]
        here.bus.is_down = False
        await trio.sleep(6)
        assert names(servers) == [{there.adapter.uid}, {here.adapter.uid}]


async def test_number_of_servers_is_bounded(monkeypatch, autojump_clock) -> None:
    monkeypatch.setattr("trio_socketio.adapters.cluster._presence.Nodes.MOST", 3)
    async with cluster(1) as servers:
        node = servers.nodes[0]
        for number in range(5):
            node.inject(b'{"type":2,"uid":"%d","nsp":"/"}' % number)
            node.inject(b'{"type":13,"uid":"%d","nsp":"/"}' % number)
        await wait_all_tasks_blocked()
        assert node.rejected == {"too many servers": 4}
        assert names(servers) == [set()]
        await trio.sleep(11)
        node.inject(b'{"type":2,"uid":"9","nsp":"/"}')
        await wait_all_tasks_blocked()
        assert names(servers) == [{"9"}]


@pytest.mark.rows("G04")
async def test_server_with_the_id_of_another_one_takes_a_new_id(autojump_clock) -> None:
    async with cluster(1) as servers:
        here = servers.nodes[0]

        def same_id(node: Node) -> None:
            node.adapter.uid = here.adapter.uid
            for adapter in node.adapter._adapters.values():
                adapter.renamed("")

        former = here.adapter.uid
        there = await servers.add(same_id)
        await trio.sleep(1)
        assert here.adapter.uid != former
        assert here.rejected["own id of another server"] == 1
        assert names(servers) == [{there.adapter.uid}, {here.adapter.uid}]
        client = await there.wire.connect()
        assert [socket.id for socket in await here.io.fetch_sockets()] == [client.sids["/"]]


async def test_false_heartbeats_do_not_change_the_id_all_the_time(autojump_clock) -> None:
    async with cluster(1) as servers:
        node = servers.nodes[0]
        for _ in range(3):
            node.inject(b'{"uid":"%s","nsp":"/","type":2}' % node.adapter.uid.encode())
            await wait_all_tasks_blocked()
        assert node.rejected == {"own id of another server": 3}
        assert node.bus.subscribed.count("socket.io#/#") == 1
        assert len([channel for channel in node.bus.subscribed if channel != "socket.io#/#"]) == 2
