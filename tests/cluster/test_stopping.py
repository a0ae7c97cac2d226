"""How a server leaves its cluster, and which servers an adapter serves."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import trio
from support.cluster import FaultyBus, Node, cluster
from support.memory_bus import Hub, MemoryBus
from trio.testing import wait_all_tasks_blocked

from trio_socketio import AdapterState, Server, Socket
from trio_socketio.adapters import BusAdapter, ServerAdapter


@pytest.mark.rows("I1")
async def test_disconnect_handlers_still_reach_other_servers(autojump_clock) -> None:
    def prepare(node: Node) -> None:
        @node.io.on("disconnect")
        async def disconnect(socket: Socket, reason: str) -> None:
            await trio.sleep(1)
            await node.io.emit("gone", socket.id)

    async with cluster(1) as servers:
        client = await servers.nodes[0].wire.connect()
        async with cluster() as others:
            others.hub = servers.hub
            leaving = await others.add(prepare)
            left = await leaving.wire.connect()
        assert await client.event() == ["gone", left.sids["/"]]
        assert [msgspec.json.decode(payload)["type"] for _, payload in leaving.bus.published[-2:]] == [3, 13]
        assert leaving.adapter.health().dropped == 0


async def test_stop_without_a_link_drops_and_counts_what_is_queued(autojump_clock) -> None:
    async with cluster() as servers:
        node = await servers.add(faults={"is_down": True})
        await node.io.emit("ev")
        await trio.sleep(1)
        began = trio.current_time()
    assert trio.current_time() - began == pytest.approx(1, abs=0.1)
    health = node.adapter.health()
    assert (health.dropped, health.queued_packets, health.queued_bytes) == (1, 0, 0)


async def test_stop_waits_for_a_bus_that_stands_still_only_within_the_grace(autojump_clock) -> None:
    async with cluster() as servers:
        node = await servers.add(server={"disconnect_timeout": 2.0}, link_timeout=100)
        node.bus.is_frozen = True
        await node.io.emit("ev")
        began = trio.current_time()
    assert trio.current_time() - began == pytest.approx(2)
    assert node.adapter.health().unconfirmed == 2  # the event, and that the server leaves


async def test_stop_waits_for_a_link_that_is_being_renewed(autojump_clock) -> None:
    async with cluster(1) as servers:
        client = await servers.nodes[0].wire.connect()
        async with cluster() as others:
            others.hub = servers.hub
            node = await others.add()
            node.bus.cut()
            await wait_all_tasks_blocked()
            await node.io.emit("ev")
        assert await client.event() == ["ev"]
        assert node.adapter.health().dropped == 0


async def test_interrupt_in_a_handler_for_servers_stops_the_server(autojump_clock) -> None:
    def prepare(node: Node) -> None:
        @node.io.on_server("stop")
        def stop() -> None:
            raise KeyboardInterrupt

    async def interrupt() -> None:
        async with cluster(1) as servers:
            await servers.add(prepare)
            await servers.nodes[0].io.server_side_emit("stop")
            await trio.sleep(1)

    with pytest.raises(BaseExceptionGroup) as caught:
        await interrupt()
    assert caught.group_contains(KeyboardInterrupt)


async def test_server_can_run_again_with_the_same_adapter(autojump_clock) -> None:
    bus = FaultyBus(Hub())
    adapter = BusAdapter(bus)
    io = Server(adapter=adapter)
    for number in range(2):
        await io.emit("dropped: the server does not run")
        async with io:
            assert adapter.health().dropped == number + 1
            await trio.sleep(1)
            assert io.health().adapter.state is AdapterState.UP
            await io.emit("ev")
            await trio.sleep(1)
    assert adapter.health().published == 6
    assert adapter.health().dropped == 2
    assert not bus.hub.buses
    assert adapter.health().state is AdapterState.DEGRADED
    assert not adapter.health().gaps


def test_second_server_is_refused() -> None:
    adapter = BusAdapter(MemoryBus(Hub()))
    Server(adapter=adapter)
    with pytest.raises(
        TypeError, match="BusAdapter serves one server, and another one uses this object already"
    ):
        Server(adapter=adapter)


def test_adapter_of_a_namespace_costs_no_task() -> None:
    io = Server(adapter=BusAdapter(MemoryBus(Hub())))
    for number in range(1000):
        io.of(f"/{number}")
    assert isinstance(io.config.adapter, ServerAdapter)


async def test_state_hook_that_raises_is_logged_and_ends_nothing(caplog: Any, autojump_clock) -> None:
    def prepare(node: Node) -> None:
        @node.io.on_adapter_state
        def state(state: AdapterState) -> None:
            raise RuntimeError(state)

    async with cluster() as servers:
        node = await servers.add(prepare)
        assert node.adapter.is_up
    assert "observer" in caplog.text


def test_state_hook_is_a_plain_function_of_one_argument() -> None:
    async def hook(state: AdapterState) -> None: ...

    for wrong in (hook, lambda: None):
        with pytest.raises(TypeError):
            Server().on_adapter_state(wrong)
