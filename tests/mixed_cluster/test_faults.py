"""Faults of a real Redis below two servers of ours, with traffic: what clients must and may receive."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from clients.harness import Node
from support.redis_server import RedisServer, Sentinel, free_port, redis_server

from mixed_cluster.checker import AROUND, SHORT, Checker, accounts, check_that_all_works
from mixed_cluster.conftest import ADAPTERS, Assembly, Processes
from mixed_cluster.team import Team

pytestmark = pytest.mark.clients

LONG = 30.0

durations = pytest.mark.parametrize(
    "seconds", [SHORT, pytest.param(LONG, marks=pytest.mark.slow)], ids=["short", "long"]
)

classic_is_quick = pytest.mark.parametrize(
    "adapter",
    [name if name == "classic" else pytest.param(name, marks=pytest.mark.slow) for name in ADAPTERS],
    indirect=True,
)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis for one test."""
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@asynccontextmanager
async def pair(
    adapter: str, node: Node, processes: Processes, url: str, **options: Any
) -> AsyncIterator[Team]:
    """Two servers of ours in processes of their own, with a client each, in the room "room"."""
    async with started(("ours", "ours2"), adapter, node, processes, url, **options) as team:
        yield team


@asynccontextmanager
async def started(
    families: Sequence[str], adapter: str, node: Node, processes: Processes, url: str, **options: Any
) -> AsyncIterator[Team]:
    """A server in the process of each family, with a client each, in the room "room"."""
    async with AsyncExitStack() as stack:
        assembly = Assembly(processes, url, stack)
        servers = [
            await assembly.start(family, f"{family.rstrip('2')} in {family}", adapter, **options)
            for family in families
        ]
        team = Team(adapter, servers, [])
        await team.connect(node)
        await team.join(*[["room"]] * len(servers))
        yield team
        await team.disconnect()


@pytest.fixture
async def team(adapter: str, node: Node, processes: Processes, own_redis: RedisServer) -> AsyncIterator[Team]:
    async with pair(adapter, node, processes, own_redis.url) as team:
        yield team


@asynccontextmanager
async def traffic(team: Team) -> AsyncIterator[Checker]:
    """Both servers emit, for some time before and after what happens in this context."""
    checker = Checker(team)
    for server in team.servers:
        await server.start_traffic()
    await checker.local_traffic(AROUND)
    async with checker.outage():
        yield checker
    await checker.local_traffic(AROUND)
    await checker.finish()


@durations
@pytest.mark.rows("G01", "I19")
async def test_killed(team: Team, own_redis: RedisServer, seconds: float) -> None:
    before = {server: await server.health() for server in team.servers}
    async with traffic(team) as checker:
        own_redis.kill()
        await checker.local_traffic(seconds)
        own_redis.start(own_redis.port)
    checker.check()
    for server in team.servers:
        grown = accounts(before[server], await server.health())
        sent = len(checker.sent[server.name])
        assert grown["gaps"] >= 1
        assert grown["published"] + grown["dropped"] + grown["unconfirmed"] >= sent
    await check_that_all_works(team)


@classic_is_quick
@durations
@pytest.mark.rows("G01", "I19")
async def test_killed_beside_node(
    adapter: str, node: Node, processes: Processes, own_redis: RedisServer, seconds: float
) -> None:
    families = ("ours", "ours2", "node")
    async with started(families, adapter, node, processes, own_redis.url) as team:
        async with traffic(team) as checker:
            own_redis.kill()
            await checker.local_traffic(seconds)
            own_redis.start(own_redis.port)
        checker.check()
        await check_that_all_works(team)
        await check_subscriptions(team, own_redis)
        await team.servers[-1].close()


@durations
@pytest.mark.rows("G01", "I19")
async def test_frozen(team: Team, own_redis: RedisServer, seconds: float) -> None:
    async with traffic(team) as checker:
        own_redis.freeze()
        await checker.local_traffic(seconds)
        own_redis.thaw()
    checker.check(nothing_is_lost=seconds == SHORT)
    await check_that_all_works(team)


@classic_is_quick
@pytest.mark.rows("G01")
async def test_slow(team: Team, own_redis: RedisServer) -> None:
    async with traffic(team) as checker:
        for _ in range(4):  # each command waits until the pause before it is over
            await trio.to_thread.run_sync(own_redis.command, "CLIENT", "PAUSE", "240", "ALL")
            await checker.local_traffic(SHORT / 4)
            assert [(await server.health())["state"] for server in team.servers] == ["up", "up"]
    checker.check(nothing_is_lost=True)
    await check_that_all_works(team)


@pytest.mark.slow
@pytest.mark.rows("G01", "I19")
async def test_master_becomes_a_replica_for_a_while(team: Team, own_redis: RedisServer) -> None:
    async with traffic(team) as checker:
        own_redis.command("REPLICAOF", "127.0.0.1", str(free_port()))
        await checker.local_traffic(8)  # the servers ask for the role every 5 s
        states = [(await server.health())["state"] for server in team.servers]
        own_redis.command("REPLICAOF", "NO", "ONE")
    checker.check(nothing_is_lost=team.adapter == "streams")
    assert "up" not in states
    await check_that_all_works(team)
    await check_subscriptions(team, own_redis)


@pytest.mark.rows("G01", "I19")
async def test_connections_killed(team: Team, own_redis: RedisServer) -> None:
    async with traffic(team) as checker:
        for _ in range(5):
            own_redis.command("CLIENT", "KILL", "SKIPME", "yes", "TYPE", "normal")
            own_redis.command("CLIENT", "KILL", "SKIPME", "yes", "TYPE", "pubsub")
            await checker.local_traffic(SHORT / 5)
    checker.check()
    await check_that_all_works(team)
    await check_subscriptions(team, own_redis)


async def check_subscriptions(team: Team, redis: RedisServer) -> None:
    """Each server has exactly one subscription: with a second one, requests of Node's servers would time out."""
    words, channel = {
        "classic": (("PUBSUB", "NUMSUB"), "classic-request#/#"),
        "sharded": (("PUBSUB", "SHARDNUMSUB"), "sharded#/#"),
        "streams": (("PUBSUB", "NUMSUB"), "streams#/#"),
    }[team.adapter]
    assert redis.command(*words, channel) == [channel.encode(), len(team.servers)]


@pytest.mark.rows("G02")
async def test_output_buffer_limit(
    adapter: str, node: Node, processes: Processes, own_redis: RedisServer
) -> None:
    own_redis.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 100kb 100kb 0")
    async with pair(adapter, node, processes, own_redis.url) as team:
        sender, receiver = team.servers
        before = await receiver.health()
        async with traffic(team) as checker:
            receiver.node.pause()
            for _ in range(200):
                await sender.emit(team.choose(without=["room"]), "ev", "x" * 100_000)
            await sender.settled()
            receiver.node.resume()
        checker.forgive_pauses(receiver)
        checker.check(nothing_is_lost=adapter == "streams")
        if adapter != "streams":
            assert accounts(before, await receiver.health())["gaps"] == 1
        await check_that_all_works(team)


@pytest.mark.rows("G01")
@pytest.mark.parametrize("adapter", ["streams"], indirect=True)
async def test_redis_without_memory(team: Team, own_redis: RedisServer) -> None:
    before = {server: await server.health() for server in team.servers}
    async with traffic(team) as checker:
        own_redis.command("CONFIG", "SET", "maxmemory", "1mb")
        await checker.local_traffic(SHORT)
        states = [(await server.health())["state"] for server in team.servers]
        own_redis.command("CONFIG", "SET", "maxmemory", "0")
    checker.check()
    assert states == ["degraded", "degraded"]
    for server in team.servers:
        grown = accounts(before[server], await server.health())
        lost = [len(lost) for (sender, _), lost in checker.lost.items() if sender == server.name]
        assert grown["dropped"] == max(lost) > 0
        assert grown["unconfirmed"] == 0
    await check_that_all_works(team)


async def test_redis_is_not_there_at_the_start(
    adapter: str, node: Node, processes: Processes, own_redis: RedisServer
) -> None:
    own_redis.kill()
    async with AsyncExitStack() as stack:
        assembly = Assembly(processes, own_redis.url, stack)
        servers = []
        for family in ("ours", "ours2"):
            servers.append(await assembly.start(family, f"ours in {family}", adapter))
            stack.push_async_callback(servers[-1].close)
        team = Team(adapter, servers, [])
        await team.connect(node, warm=False)
        for server, member in zip(servers, team.members, strict=True):
            await server.emit(team.choose(), "ev", "to local clients")
            assert await member.client.event("ev") == ["to local clients"]
        own_redis.start(own_redis.port)
        for server in servers:
            await server.settled()
            await team.warm(server)
        await team.join(["room"], ["room"])
        await check_that_all_works(team)
        await team.disconnect()


async def test_full_queue_drops_and_counts_exactly(
    node: Node, processes: Processes, own_redis: RedisServer
) -> None:
    async with pair("classic", node, processes, own_redis.url, queue_packets=20) as team:
        sender, receiver = team.servers
        before = await sender.health()
        checker = Checker(team)
        await sender.start_traffic(waits=False)
        await receiver.start_traffic(waits=False)
        own_redis.kill()
        async with checker.outage():
            await checker.local_traffic(SHORT)
            during = await sender.health()
            own_redis.start(own_redis.port)
        await checker.finish()
        checker.check()
        assert during["queued_packets"] <= 20
        assert accounts(before, during)["dropped"] > 0
        await check_that_all_works(team)


@classic_is_quick
@pytest.mark.rows("G01", "I10")
async def test_failover(
    adapter: str, node: Node, processes: Processes, own_redis: RedisServer, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        for name in ("replica", "sentinel"):
            (tmp_path / name).mkdir()
        options = ("--replicaof", "127.0.0.1", str(own_redis.port))
        replica = stack.enter_context(redis_server(tmp_path / "replica", *options))
        assert replica.wait_for("<-> REPLICA sync: Finished with success")
        sentinel = Sentinel(tmp_path / "sentinel", own_redis)
        stack.callback(sentinel.kill)
        assert sentinel.wait_for("+slave slave")
        url = f"redis+sentinel://127.0.0.1:{sentinel.port}/main"
        async with pair(adapter, node, processes, url) as team:
            async with traffic(team) as checker:
                own_redis.kill()
                assert await trio.to_thread.run_sync(sentinel.wait_for, "+switch-master")
            checker.check()
            await check_that_all_works(team)
            await check_subscriptions(team, replica)


def mapping(**fields: Any) -> bytes:
    return msgspec.msgpack.encode(fields)


def hostile() -> list[bytes]:
    """Return messages that no server should have sent."""
    pack, text = msgspec.msgpack.encode, msgspec.json.encode
    deep = b"[" * 100_000 + b"]" * 100_000
    nil_opts: list[Any] = [
        None,
        7,
        [],
        {"rooms": 1},
        {"rooms": [1], "except": None},
        {"rooms": [[]], "flags": 3},
    ]
    packet = {"type": 2, "data": ["ev", "forged", "by nobody"], "nsp": "/"}
    return [
        b"",
        b"\x00",
        b"{",
        b"null",
        b"[]",
        b"\x80\x04\x95.",  # a pickle
        b"cos\nsystem\n(S'true'\ntR.",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\x91" * 100_000,
        deep,
        b'{"type":' + b"9" * 5000 + b"}",
        text({"uid": "evil", "type": 5}),
        text({"uid": "evil", "requestId": "x", "type": 99}),
        text({"uid": "evil", "requestId": None, "type": 0}),
        *(
            text({"uid": "evil", "requestId": "x", "type": kind, "opts": opts})
            for kind in range(10)
            for opts in nil_opts
        ),
        *(
            text({"uid": "0" * 16, "nsp": "/", "type": kind, "data": data})
            for kind in range(-1, 15)
            for data in (None, 1, [], {}, {"opts": 1}, {"opts": {"rooms": 0}, "packet": {}})
        ),
        *(pack(["evil", packet, opts]) for opts in nil_opts),
        pack(["evil", {"type": 0, "data": None, "nsp": "/"}, {"rooms": [], "except": [], "flags": {}}]),
        pack(["evil", {"type": 2, "data": [], "nsp": "/"}, {"rooms": [], "except": [], "flags": {}}]),
        pack(["evil", {"type": 2, "data": ["disconnect"], "nsp": "/"}, {"rooms": [], "except": []}]),
        pack([1, 2, 3]),
        mapping(uid="evil", requestId="x", type=7, packet=None, opts=None),
    ]


def hostile_commands(adapter: str) -> Iterator[tuple[str | bytes, ...]]:
    """Yield commands that give them to servers by every channel and stream."""
    channels = [f"{adapter}#/#"]
    if adapter == "classic":
        channels += ["classic#/#room#", "classic-request#/#", "classic-response#/#"]
    for payload in hostile():
        for channel in channels:
            yield "SPUBLISH" if adapter == "sharded" else "PUBLISH", channel, payload
        if adapter == "streams":
            yield "XADD", "streams", "*", "uid", "evil", "nsp", "/", "type", "3", "data", payload
    if adapter == "streams":
        yield "XADD", "streams", "*", "garbage", b"\x00"


@pytest.mark.rows("G03", "I20")
async def test_hostile_messages_are_counted_and_reach_no_client(team: Team, own_redis: RedisServer) -> None:
    async with traffic(team) as checker:
        for words in hostile_commands(team.adapter):
            await trio.to_thread.run_sync(own_redis.command, *words)
    checker.check(nothing_is_lost=True)
    for server in team.servers:
        rejected = (await server.health())["rejected"]
        assert sum(rejected.values()) > 50, rejected
        assert "internal error" not in rejected
    await check_that_all_works(team)
    await check_subscriptions(team, own_redis)
