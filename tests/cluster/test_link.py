"""Faults of the bus: it is away, comes back, is full, or stands still. Local clients notice nothing."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.cluster import Node, cluster, is_quiet
from trio.testing import wait_all_tasks_blocked

from trio_socketio import AdapterState, ClusterTimeout

pytestmark = pytest.mark.rows("G01", "I19")


def recording(states: list[AdapterState]) -> Any:
    def prepare(node: Node) -> None:
        node.io.on_adapter_state(states.append)

    return prepare


async def test_bus_down_at_the_start_is_connected_later(autojump_clock) -> None:
    states: list[AdapterState] = []
    async with cluster(1) as servers:
        (other,) = servers.nodes
        node = await servers.add(recording(states), faults={"is_down": True})
        client = await node.wire.connect()
        remote = await other.wire.connect()
        assert node.io.health().adapter.state is AdapterState.DEGRADED
        await node.io.emit("ev", 1)
        assert await client.event() == ["ev", 1]
        await trio.sleep(30)
        assert node.io.health().adapter.state is AdapterState.DOWN
        assert node.io.health().status == "ok"
        node.bus.is_down = False
        await trio.sleep(6)
        assert await remote.event() == ["ev", 1]
        assert states == [AdapterState.DOWN, AdapterState.UP]
        assert node.adapter.health().gaps == 0
        assert node.adapter.health().dropped == 0


async def test_link_that_is_cut_is_renewed_with_its_subscriptions(autojump_clock) -> None:
    states: list[AdapterState] = []
    async with cluster(1) as servers:
        node = await servers.add(recording(states))
        (other,) = servers.nodes[:1]
        client = await node.wire.connect()
        for number in range(1, 10):
            began = trio.current_time()
            node.bus.cut()
            await trio.sleep(0.2)
            await other.io.emit("ev", number)
            assert await client.event() == ["ev", number]
            assert trio.current_time() - began < 0.5
            assert node.adapter.health().gaps == number
        assert sorted(node.bus.channels) == sorted(set(node.bus.subscribed))
        assert states == [AdapterState.UP, *[AdapterState.DEGRADED, AdapterState.UP] * 9]


async def test_attempts_to_connect_become_rarer(autojump_clock) -> None:
    async with cluster() as servers:
        node = await servers.add(faults={"is_down": True})
        await trio.sleep(1)
        first = node.bus.connects
        await trio.sleep(100)
        assert 4 <= first <= 12
        assert 20 <= node.bus.connects - first <= 45


async def test_messages_of_an_outage_wait_in_order(autojump_clock) -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        client = await there.wire.connect()
        here.bus.is_down = True
        here.bus.cut()
        await wait_all_tasks_blocked()
        for number in range(100):
            await here.io.emit("ev", number)
        await trio.sleep(1)
        assert here.adapter.health().queued_packets == 100
        assert here.adapter.health().queued_bytes > 100
        assert await is_quiet(client)
        here.bus.is_down = False
        assert [(await client.event())[1] for _ in range(100)] == list(range(100))
        health = here.adapter.health()
        assert (health.queued_packets, health.queued_bytes, health.dropped) == (0, 0, 0)


async def test_full_queue_drops_at_once_what_does_not_wait_and_counts_it(autojump_clock) -> None:
    async with cluster() as servers:
        node = await servers.add(faults={"is_down": True}, queue_packets=10)
        client = await node.wire.connect()
        for number in range(15):
            node.io.emit_nowait("ev", number)
        assert [(await client.event())[1] for _ in range(15)] == list(range(15))
        health = node.adapter.health()
        assert (health.queued_packets, health.dropped) == (10, 5)
        assert trio.current_time() == 0


async def test_full_queue_slows_an_awaited_emit_until_the_write_timeout(autojump_clock) -> None:
    async with cluster(link_timeout=1000) as servers:
        node = await servers.add(queue_packets=2, link_timeout=1000, server={"write_timeout": 3.0})
        client = await node.wire.connect()
        node.bus.is_frozen = True
        for _ in range(2):
            await node.io.emit("ev")
        assert trio.current_time() == 0
        await node.io.emit("late")
        assert trio.current_time() == pytest.approx(3)
        assert node.adapter.health().dropped == 1
        assert [await client.event() for _ in range(3)] == [["ev"], ["ev"], ["late"]]
        with trio.move_on_after(1) as scope:
            await node.io.emit("cancelled")
            emitted = True
            await trio.lowlevel.checkpoint()
        assert emitted
        assert scope.cancelled_caught
        assert node.adapter.health().dropped == 2
        assert await client.event() == ["cancelled"]


async def test_emit_that_waits_for_room_is_published_when_there_is_room(autojump_clock) -> None:
    async with cluster(1) as servers:
        other = servers.nodes[0]
        node = await servers.add(queue_bytes=300)
        remote = await other.wire.connect()
        for number in range(50):
            await node.io.emit("ev", number)
        assert [(await remote.event())[1] for _ in range(50)] == list(range(50))
        assert node.adapter.health().dropped == 0


async def test_emit_does_not_wait_while_the_link_is_down(autojump_clock) -> None:
    async with cluster() as servers:
        node = await servers.add(faults={"is_down": True}, queue_packets=1)
        await node.io.emit("ev")
        began = trio.current_time()
        await node.io.emit("waits until the link is down")
        assert trio.current_time() - began == pytest.approx(5)
        await node.io.emit("does not wait")
        assert trio.current_time() - began == pytest.approx(5)
        assert node.adapter.health().dropped == 2


async def test_bus_that_refuses_messages_keeps_its_link(autojump_clock) -> None:
    states: list[AdapterState] = []
    async with cluster() as servers:
        node = await servers.add(recording(states))
        node.bus.refuses = True
        await node.io.emit("ev")
        await wait_all_tasks_blocked()
        assert (node.adapter.health().dropped, node.bus.connects) == (1, 1)
        node.bus.refuses = False
        await node.io.emit("ev")
        await wait_all_tasks_blocked()
        assert states == [AdapterState.UP, AdapterState.DEGRADED, AdapterState.UP]
        assert node.adapter.health().gaps == 0


async def test_bus_that_stands_still_is_left_after_the_timeout(autojump_clock) -> None:
    async with cluster() as servers:
        node = await servers.add(link_timeout=2)
        node.bus.is_frozen = True
        await node.io.emit("ev")
        await trio.sleep(2.5)
        assert node.bus.connects >= 2
        assert node.adapter.health().unconfirmed == 1
        node.bus.is_frozen = False


async def test_bug_of_a_bus_is_a_lost_link(autojump_clock) -> None:
    async with cluster(1) as servers:
        node = servers.nodes[0]

        async def broken() -> Any:
            raise ZeroDivisionError

        node.bus.receive = broken
        node.bus.cut()
        await trio.sleep(1)
        del node.bus.receive
        await trio.sleep(10)
        assert node.adapter.is_up


async def test_requests_without_a_link_say_that_their_result_is_partial(autojump_clock) -> None:
    async with cluster() as servers:
        alone = await servers.add(faults={"is_down": True})
        client = await alone.wire.connect()
        for waited in (5, 0):
            began = trio.current_time()
            with pytest.raises(
                ClusterTimeout, match="the other servers were not asked: the cluster cannot be reached"
            ) as caught:
                await alone.io.fetch_sockets()
            assert [socket.id for socket in caught.value.partial] == [client.sids["/"]]
            assert trio.current_time() - began == pytest.approx(waited)
        with pytest.raises(ClusterTimeout):
            await alone.io.server_side_call("ev")
        assert (await alone.io.call("ask", timeout=0.1)).silent_count == 1


async def test_request_waits_for_a_link_that_is_being_renewed(autojump_clock) -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        client = await there.wire.connect()
        here.bus.cut()
        assert [socket.id for socket in await here.io.fetch_sockets()] == [client.sids["/"]]


async def test_http_status_of_the_health_check_stays_200(autojump_clock) -> None:
    async with cluster() as servers:
        node = await servers.add(faults={"is_down": True}, server={"health_path": "/healthz"})
        await trio.sleep(20)
        response = await node.wire.http().request("GET", "/healthz")
        assert (response.status, response.json["status"]) == (200, "ok")
        assert response.json["adapter"]["state"] == "down"


@pytest.mark.rows("G05")
async def test_message_that_a_bus_doubles_is_delivered_once() -> None:
    async with cluster(2) as servers:
        here, there = servers.nodes
        here.bus.double = True
        client = await there.wire.connect()
        await here.io.emit("ev")
        assert await client.event() == ["ev"]
        assert await is_quiet(client)
        assert there.rejected == {"copy": 1}
        there.bus.double = True
        assert len(await here.io.fetch_sockets()) == 1


async def test_subscriptions_follow_namespaces_and_are_made_once(autojump_clock) -> None:
    async with cluster(1) as servers:
        node = servers.nodes[0]
        before = len(node.bus.subscribed)
        for _ in range(3):
            node.io.of("/late")
            await wait_all_tasks_blocked()
        assert node.bus.subscribed[before:] == [f"socket.io#/late#{node.adapter.uid}#", "socket.io#/late#"]
        node.bus.is_down = True
        node.bus.cut()
        await trio.sleep(3)
        node.io.of("/later")
        node.bus.is_down = False
        await trio.sleep(10)
        assert len(node.bus.channels) == 6
        assert sorted(node.bus.subscribed[-6:]) == sorted(node.bus.channels)


async def test_many_subscription_changes_are_collected(autojump_clock) -> None:
    async with cluster(1) as servers:
        node = servers.nodes[0]
        before = len(node.bus.subscribed)
        for number in range(10_000):
            node.adapter.subscribe(f"room {number}", lambda channel, payload: None)
            if number != 7:
                node.adapter.unsubscribe(f"room {number}")
        await wait_all_tasks_blocked()
        assert node.bus.subscribed[before:] == ["room 7"]
        node.adapter.unsubscribe("room 7")
        node.adapter.unsubscribe("never")
        await wait_all_tasks_blocked()
        assert "room 7" not in node.bus.channels


async def test_reader_that_is_too_slow_has_a_gap(autojump_clock) -> None:
    async with cluster(1) as servers:
        node = servers.nodes[0]
        while node.bus in servers.hub.buses:
            node.inject(b"{}")
        await trio.sleep(1)
        assert node.adapter.health().gaps == 1
        assert node.adapter.is_up
