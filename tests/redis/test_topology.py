"""Finding servers: the master behind Sentinels, before and after a failover, and the nodes of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trio
from support.receiver import connected
from support.redis_server import RedisServer, Sentinel, free_port, redis_server

from trio_socketio.adapters import BusError, BusRefused
from trio_socketio.adapters.redis import PubSubBus, ShardedBus

pytestmark = pytest.mark.rows("I10")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[RedisServer, RedisServer, Sentinel]]:
    """A master, its replica, and a Sentinel that knows both."""
    with ExitStack() as stack:
        servers = []
        for name in ("master", "replica", "sentinel"):
            (tmp_path / name).mkdir()
        master = stack.enter_context(redis_server(tmp_path / "master", "--repl-diskless-sync-delay", "0"))
        options = ("--replicaof", "127.0.0.1", str(master.port))
        replica = stack.enter_context(redis_server(tmp_path / "replica", *options))
        assert replica.wait_for("<-> REPLICA sync: Finished with success")
        sentinel = Sentinel(tmp_path / "sentinel", master)
        stack.callback(sentinel.kill)
        assert sentinel.wait_for("+slave slave")
        servers += [master, replica, sentinel]
        yield master, replica, sentinel


async def test_failover_is_followed(service: tuple[RedisServer, RedisServer, Sentinel]) -> None:
    master, replica, sentinel = service
    sentinel.command(
        "ACL", "SETUSER", "finder", "on", ">s3cret", "+hello", "+sentinel|get-master-addr-by-name"
    )
    sentinels = f"127.0.0.1:{free_port()},127.0.0.1:{sentinel.port}"
    options = "sentinel_username=finder&sentinel_password=s3cret"
    bus = PubSubBus(f"redis+sentinel://{sentinels}/main?{options}", timeout=2)
    async with connected(bus) as receiver:
        await bus.subscribe(["failover"])
        await bus.publish([("failover", b"1")])
        await receiver.wait(1)
        assert master.command("PUBSUB", "NUMSUB", "failover") == [b"failover", 1]
    master.kill()
    with pytest.raises(OSError):
        await bus.connect()
    await bus.aclose()
    assert await trio.to_thread.run_sync(sentinel.wait_for, "+switch-master")
    async with connected(bus) as receiver:
        await bus.subscribe(["failover"])
        await bus.publish([("failover", b"2")])
        await receiver.wait(1)
        assert replica.command("PUBSUB", "NUMSUB", "failover") == [b"failover", 1]


async def test_service_that_the_sentinels_do_not_know_is_an_error(
    service: tuple[RedisServer, RedisServer, Sentinel],
) -> None:
    with pytest.raises(BusError, match="knows no service 'other'"):
        await PubSubBus(f"redis+sentinel://127.0.0.1:{service[2].port}/other").connect()


async def test_server_that_is_no_sentinel_is_an_error(redis: RedisServer) -> None:
    with pytest.raises(BusError, match="refuses SENTINEL"):
        await PubSubBus(f"redis+sentinel://127.0.0.1:{redis.port}/main").connect()


async def test_server_that_is_in_no_cluster_is_an_error(redis: RedisServer) -> None:
    with pytest.raises(BusError, match="refuses CLUSTER"):
        await ShardedBus(f"redis+cluster://127.0.0.1:{redis.port}").connect()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[list[RedisServer]]:
    """Two nodes that share the slots."""
    with ExitStack() as stack:
        nodes = []
        for number, slots in enumerate([("0", "8191"), ("8192", "16383")]):
            folder = tmp_path / str(number)
            folder.mkdir()
            options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
            nodes.append(stack.enter_context(redis_server(folder, *options)))
            nodes[-1].command("CLUSTER", "ADDSLOTSRANGE", *slots)
            nodes[-1].command("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        other = nodes[1]
        port = other.options[other.options.index("--cluster-port") + 1]
        nodes[0].command("CLUSTER", "MEET", "127.0.0.1", str(other.port), port)
        assert all(node.wait_for("Cluster state changed: ok") for node in nodes)
        yield nodes


@pytest.mark.parametrize("endpoint", ["ip", "unknown-endpoint"])
async def test_sharded_channels_use_the_node_of_their_slot(cluster: list[RedisServer], endpoint: str) -> None:
    bus = ShardedBus(f"redis+cluster://127.0.0.1:{free_port()},127.0.0.1:{cluster[1].port}")
    batch = [(f"sharded-{number}", b"%d" % number) for number in range(20)]
    channels = [channel for channel, _ in batch]
    async with connected(bus) as receiver:
        await bus.subscribe(channels)
        await bus.publish(batch)
        assert sorted(await receiver.wait(20)) == sorted(batch)
        counts = [len(node.command("PUBSUB", "SHARDCHANNELS", "sharded-*")) for node in cluster]
        assert sum(counts) == 20 and all(counts)
        assert [await bus.count(channel) for channel in channels] == [1] * 20
        await bus.unsubscribe(channels)
        assert [await bus.count(channel) for channel in channels] == [0] * 20


async def test_refusal_of_one_node_keeps_no_message_from_the_others(cluster: list[RedisServer]) -> None:
    bus = ShardedBus(f"redis+cluster://127.0.0.1:{cluster[1].port}")
    batch = [(f"sharded-{number}", b"%d" % number) for number in range(20)]
    async with connected(bus) as receiver:
        await bus.subscribe([channel for channel, _ in batch])
        taken = [len(node.command("PUBSUB", "SHARDCHANNELS", "sharded-*")) for node in cluster]
        for refusing in (0, 1):
            cluster[refusing].command("ACL", "SETUSER", "default", "-spublish")
            with pytest.raises(BusRefused) as caught:
                await bus.publish(batch)
            assert caught.value.count == taken[refusing]
            cluster[refusing].command("ACL", "SETUSER", "default", "+spublish")
        assert sorted(await receiver.wait(20)) == sorted(batch)  # each node has taken its own once


async def test_lost_node_ends_the_link(cluster: list[RedisServer]) -> None:
    bus = ShardedBus(f"redis+cluster://127.0.0.1:{cluster[1].port}")
    await bus.connect()
    cluster[0].kill()
    with pytest.raises(BusError, match=r"has closed the connection|is lost"):
        await bus.receive()
    await bus.aclose()


async def test_node_that_is_lost_counts_no_subscribers_until_it_is_back(cluster: list[RedisServer]) -> None:
    bus = PubSubBus(f"redis+cluster://127.0.0.1:{cluster[0].port}")
    async with connected(bus):
        await bus.subscribe(["cluster"])
        assert await bus.count("cluster") == 1
        cluster[1].kill()
        assert [await bus.count("cluster") for _ in range(2)] == [1, 1]
        cluster[1].start(cluster[1].port)
        async with connected(PubSubBus(cluster[1].url)) as other:
            await other.bus.subscribe(["cluster"])
            assert await bus.count("cluster") == 2


async def test_subscribers_are_counted_on_all_nodes_of_a_cluster_that_tells_no_hosts(
    cluster: list[RedisServer],
) -> None:
    for node in cluster:
        node.command("CONFIG", "SET", "cluster-preferred-endpoint-type", "unknown-endpoint")
    buses = [PubSubBus(f"redis+cluster://127.0.0.1:{node.port}") for node in cluster]
    async with connected(buses[0]) as one, connected(buses[1]) as other:
        for bus in buses:
            await bus.subscribe(["cluster"])
        assert [await bus.count("cluster") for bus in buses] == [2, 2]
        await buses[0].publish([("cluster", b"x")])
        assert list(await one.wait(1)) == list(await other.wait(1)) == [("cluster", b"x")]
