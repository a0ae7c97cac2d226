"""Fixtures for clusters of servers of ours and of Node."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from clients.conftest import node, runners
from clients.harness import Node, Runner, open_node
from support.redis_server import RedisServer, redis_server

from mixed_cluster.matrix import note
from mixed_cluster.nodes import NODE_PACKAGES, EmitterNode, ServerNode
from mixed_cluster.team import Team
from tools import npm_install, require_tool

__all__ = ["node", "runners"]

HERE = Path(__file__).parent
ADAPTERS = ("classic", "sharded", "streams")

#: Adapters with options: the adapter, the options of ours, and those of Node's.
VARIANTS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "specific": (
        "classic",
        {"publish_on_specific_response_channel": True},
        {"publishOnSpecificResponseChannel": True},
    ),
    "static": ("sharded", {"subscription_mode": "static"}, {"subscriptionMode": "static"}),
    "dynamic-private": (
        "sharded",
        {"subscription_mode": "dynamic-private"},
        {"subscriptionMode": "dynamic-private"},
    ),
}

#: The servers of each kind of cluster. The default run has the mixed one.
TEAMS = {
    "mixed": ("ours 1", "ours 2", "node 1", "node 2"),
    "node": ("node 1", "node 2"),
    "ours": ("ours 1", "ours 2"),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "team" in metafunc.fixturenames and "own_redis" not in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("adapters")
        more = VARIANTS if metafunc.definition.get_closest_marker("variants") else ()
        parameters = [
            pytest.param(
                (adapter, kind), id=f"{adapter}-{kind}", marks=[] if kind == "mixed" else [pytest.mark.slow]
            )
            for kind in TEAMS
            for adapter in (*(only.args if only else ADAPTERS), *more)
        ]
        metafunc.parametrize("team", parameters, indirect=True)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "adapters(*names): only with these adapters")
    config.addinivalue_line("markers", "variants: also with the adapters that have options")
    config.addinivalue_line("markers", "nsp(name): the namespace of the clients")
    config.addinivalue_line("markers", "old_clients: the clients of our servers have protocol 4")
    config.addinivalue_line("markers", "senders(*kinds): only these servers send")
    config.addinivalue_line("markers", "emitters: with emitters, too")


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


class Processes:
    """The processes with the servers of a session of tests.

    Attributes:
        ports: the port of each server that runs, by process and name.
    """

    def __init__(self) -> None:
        self._runners: dict[str, Runner] = {}
        self.ports: dict[tuple[int, str], int] = {}

    def runner(self, family: str) -> Runner:
        """The process with the servers of a family, "node", "ours" or "ours2"."""
        if family not in self._runners:
            self._runners[family] = _node_runner() if family == "node" else _our_runner()
        return self._runners[family]

    def kill(self) -> None:
        for runner in self._runners.values():
            runner.kill()


def _our_runner() -> Runner:
    path = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    return Runner([sys.executable, str(HERE / "our_servers.py")], {"PYTHONPATH": path})


def _node_runner() -> Runner:
    program = require_tool("node", "nodejs", debian="nodejs")
    packages = npm_install("cluster", NODE_PACKAGES) / "node_modules"
    return Runner([program, "--no-deprecation", str(HERE / "servers.js")], {"NODE_PATH": str(packages)})


@pytest.fixture(scope="session")
def processes() -> Iterator[Processes]:
    processes = Processes()
    yield processes
    processes.kill()


class Assembly:
    """Puts a cluster together from servers that run already, or are started.

    Args:
        processes: the processes of the servers.
        url: the URL of Redis.
        stack: ends the use of the processes.
    """

    def __init__(self, processes: Processes, url: str, stack: AsyncExitStack) -> None:
        self._processes, self._url, self._stack = processes, url, stack
        self._nodes: dict[str, Node] = {}

    async def _node(self, family: str) -> Node:
        if family not in self._nodes:
            runner = self._processes.runner(family)
            self._nodes[family] = await self._stack.enter_async_context(open_node(runner))
        return self._nodes[family]

    async def server(self, adapter: str, kind: str, name: str) -> ServerNode:
        """Return the server of this name, such as "ours 1", in a kind of cluster. Start it if it does not run."""
        family = name.split(maxsplit=1)[0]
        node = await self._node(family)
        full_name = f"{name} of {kind} {adapter}"
        key = (self._processes.runner(family).process().pid, full_name)
        if key not in self._processes.ports:
            base, ours, nodes = VARIANTS.get(adapter, (adapter, {}, {}))
            options = nodes if family == "node" else ours
            server = await self.start(family, full_name, base, prefix=f"{kind}-{adapter}", **options)
            self._processes.ports[key] = server.port
        return node.adopt(ServerNode(node, full_name, self._processes.ports[key]))

    async def start(
        self, family: str, name: str, adapter: str, *, prefix: str | None = None, **options: Any
    ) -> ServerNode:
        """Start a server whose adapter has these options, and names with this prefix, by default its own name."""
        node = await self._node(family)
        server = node.adopt(ServerNode(node, name, 0))
        words = {"adapter": adapter, "redis": self._url, "prefix": prefix or adapter, "options": options}
        server.port = await node.ask("serve", server, **words, server={})
        return server

    async def emitter(self, family: str, kind: str, adapter: str) -> EmitterNode:
        """Return an emitter of a family for an adapter. Node has one for the classic adapter."""
        node = await self._node(family)
        emitter = node.adopt(EmitterNode(node, f"{family} emitter"))
        words = {"adapter": adapter, "redis": self._url, "prefix": f"{kind}-{adapter}"}
        await node.ask("openEmitter", emitter, **words)
        return emitter


@pytest.fixture
async def team(
    request: pytest.FixtureRequest, node: Node, processes: Processes, redis: RedisServer
) -> AsyncIterator[Team]:
    """A cluster with a client on each server."""
    adapter, kind = request.param
    mark = request.node.get_closest_marker("nsp")
    only = request.node.get_closest_marker("senders")
    families = sorted(
        {name.split()[0] for name in TEAMS[kind]} & set(only.args if only else ("ours", "node"))
    )
    async with AsyncExitStack() as stack:
        assembly = Assembly(processes, redis.url, stack)
        servers = [await assembly.server(adapter, kind, name) for name in TEAMS[kind]]
        emitters = []
        if request.node.get_closest_marker("emitters"):
            if adapter != "classic":
                families = ["ours"]
            emitters = [await assembly.emitter(family, kind, adapter) for family in families]
        team = Team(adapter, servers, emitters, mark.args[0] if mark else "/", families)
        await team.connect(node, are_old=request.node.get_closest_marker("old_clients") is not None)
        yield team
        note(request.node, adapter, kind, families, team.passed)
        await team.disconnect()
