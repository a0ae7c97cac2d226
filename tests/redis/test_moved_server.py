"""A Redis that becomes a replica, or comes back on another address, behind one name and without Sentinels."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trio
from support.receiver import connected
from support.redis_nodes import nodes
from support.redis_server import RedisServer, Sentinel, free_port, redis_server

from trio_socketio.adapters import BusError, RedisAdapter, RedisShardedAdapter, RedisStreamsAdapter
from trio_socketio.adapters.redis import PubSubBus, ShardedBus

pytestmark = pytest.mark.rows("G01", "I10")


@pytest.mark.parametrize("make", [PubSubBus, ShardedBus])
async def test_master_that_becomes_a_replica_is_left(own_redis: RedisServer, make: Any) -> None:
    bus = make(own_redis.url)
    async with connected(bus):
        await bus.check()
        own_redis.command("REPLICAOF", "127.0.0.1", str(free_port()))
        with pytest.raises(BusError, match=r"is a replica of 127\.0\.0\.1:"):
            await bus.check()
    with pytest.raises(BusError, match=r"is a replica of 127\.0\.0\.1:"):
        await bus.connect()
    own_redis.command("REPLICAOF", "NO", "ONE")
    async with connected(bus):
        await bus.check()


async def test_user_who_may_not_ask_for_the_role_connects(own_redis: RedisServer) -> None:
    own_redis.command("ACL", "SETUSER", "default", "-role")
    bus = PubSubBus(own_redis.url)
    async with connected(bus):
        await bus.check()


async def test_sentinel_that_is_taken_for_a_server_is_named(own_redis: RedisServer, tmp_path: Path) -> None:
    sentinel = Sentinel(tmp_path, own_redis)
    try:
        with pytest.raises(BusError, match=r"is a Sentinel: use redis\+sentinel://"):
            await PubSubBus(sentinel.url).connect()
    finally:
        sentinel.kill()


class Name(trio.abc.HostnameResolver):
    """Resolves each name to one address.

    Attributes:
        address: the address.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    async def getaddrinfo(self, host: Any, port: Any, *_: Any) -> list[Any]:
        await trio.lowlevel.checkpoint()
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (self.address, int(port)))]

    async def getnameinfo(self, sockaddr: Any, flags: int) -> Any:
        raise AssertionError


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[RedisServer, RedisServer]]:
    """A master, and a replica on the same port of another address."""
    with ExitStack() as stack:
        for name in ("master", "replica"):
            (tmp_path / name).mkdir()
        master = stack.enter_context(redis_server(tmp_path / "master", "--repl-diskless-sync-delay", "0"))
        replica = RedisServer(
            tmp_path / "replica",
            *("--replicaof", "127.0.0.1", str(master.port)),
            port=master.port,
            host="127.0.0.2",
        )
        stack.callback(replica.kill)
        assert replica.wait_for("<-> REPLICA sync: Finished with success")
        yield master, replica


@pytest.mark.skipif(sys.platform != "linux", reason="needs the address 127.0.0.2")
@pytest.mark.parametrize("kind", ["classic", "sharded", "streams"])
async def test_name_that_leads_to_another_server(
    servers: tuple[RedisServer, RedisServer], kind: str, key: str
) -> None:
    first, second = servers
    name = Name(first.host)
    trio.socket.set_custom_hostname_resolver(name)
    url = f"redis://redis.test:{first.port}"
    make, command, channel = {
        "classic": (lambda: RedisAdapter(url, key=key), "NUMSUB", f"{key}-request#/#"),
        "sharded": (lambda: RedisShardedAdapter(url, channel_prefix=key), "SHARDNUMSUB", f"{key}#/#"),
        "streams": (
            lambda: RedisStreamsAdapter(url, channel_prefix=key, stream_name=key),
            "NUMSUB",
            f"{key}#/#",
        ),
    }[kind]
    adapters = [make(), make()]
    for adapter in adapters:
        adapter.bus.check_interval = 0.1
    async with nodes(*adapters) as (here, there):
        clients = [await node.wire.connect() for node in (here, there)]

        async def works_at(server: RedisServer, number: int) -> None:
            words = "PUBSUB", command, channel
            while (await trio.to_thread.run_sync(server.command, *words))[1] < 2:
                pass  # each turn is a command to the server
            for adapter in adapters:
                await adapter.ready()
            assert len(await here.io.fetch_sockets()) == 2
            await here.io.emit("ev", number)
            for client in clients:
                assert await client.event() == ["ev", number]

        await works_at(first, 1)
        # The master becomes a replica, and keeps its connections. The name leads to the former replica.
        name.address = second.host
        second.command("REPLICAOF", "NO", "ONE")
        first.command("REPLICAOF", second.host, str(second.port))
        await works_at(second, 2)
        # The server is lost, and one without its data takes its place.
        second.kill()
        first.command("REPLICAOF", "NO", "ONE")
        first.command("FLUSHALL")
        name.address = first.host
        await works_at(first, 3)
        assert [node.adapter.health().gaps > 0 for node in (here, there)] == [True, True]
