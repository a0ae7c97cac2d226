"""Fixtures for tests with real clients.

Each such test runs once for each combination of a client and a transport that can do what it needs. In the default run
a test marked `whole_matrix` meets all of them; any other meets one client for each transport, and the rest is slow.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any
from zlib import crc32

import pytest

from clients.combinations import ALL, COMBINATIONS, ENGINES, TRANSPORTS, Combination
from clients.engine_harness import EngineClient
from clients.harness import (
    ENGINE_PACKAGES,
    HERE,
    PACKAGES,
    PYTHON_PACKAGES,
    JsClient,
    Node,
    Runner,
    open_node,
)
from tools import npm_install, pip_install, require_tool

NEEDS = "needs(*things): the capabilities that this test needs; clients without them are left out, see combinations.py"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", NEEDS)
    config.addinivalue_line("markers", "every_client: for clients in Python, too")
    config.addinivalue_line("markers", "whole_matrix: meets every combination in the default run, too")


def _with_slow_ones(metafunc: pytest.Metafunc, combinations: list[Combination]) -> list[Any]:
    """Mark combinations as slow, all but one for each transport.

    Which client stays depends on the test's name, so that all tests together meet every combination.
    """
    chosen = combinations
    if not metafunc.definition.get_closest_marker("whole_matrix"):
        number = crc32(metafunc.function.__name__.encode())
        by_transport = [
            [each for each in combinations if each.transport == transport] for transport in TRANSPORTS
        ]
        chosen = [able[(number + at) % len(able)] for at, able in enumerate(by_transport) if able]
    return [
        pytest.param(each, id=str(each), marks=[] if each in chosen else [pytest.mark.slow])
        for each in combinations
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "combination" in metafunc.fixturenames:
        needs = {need for mark in metafunc.definition.iter_markers("needs") for need in mark.args}
        combinations = ALL if metafunc.definition.get_closest_marker("every_client") else COMBINATIONS
        able = [combination for combination in combinations if combination.can(*needs)]
        metafunc.parametrize("combination", _with_slow_ones(metafunc, able), indirect=True)
    elif "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", _with_slow_ones(metafunc, ENGINES), indirect=True)


#: What Node runs: where its packages are, the script, and the packages.
SCRIPTS = {
    "node": ("clients", "runner.js", PACKAGES),
    "engine": ("engine-clients", "engine_runner.js", ENGINE_PACKAGES),
}


def _command(family: str) -> tuple[list[str], dict[str, str]]:
    """How the clients of one family are run: a command, and its environment."""
    if family in SCRIPTS:
        folder, script, packages = SCRIPTS[family]
        program = require_tool("node", "nodejs", debian="nodejs")
        environment = {"NODE_PATH": str(npm_install(folder, packages) / "node_modules")}
        return [program, "--no-deprecation", str(HERE / script)], environment
    python = pip_install(family.replace(" ", "-"), PYTHON_PACKAGES[family])
    return [str(python), str(HERE / "python_runner.py")], {}


@pytest.fixture(scope="session")
def runners() -> Iterator[dict[str, Runner]]:
    """The processes in which clients run, one for each family; a test has them for itself meanwhile."""
    runners: dict[str, Runner] = {}
    yield runners
    for runner in runners.values():
        runner.kill()


@pytest.fixture
async def node(request: pytest.FixtureRequest, runners: dict[str, Runner]) -> AsyncIterator[Node]:
    family = "node"
    if "combination" in request.fixturenames:
        version = request.getfixturevalue("combination").version
        family = version if version.startswith("python") else family
    elif "engine" in request.fixturenames:
        family = "engine"
    if family not in runners:
        runners[family] = Runner(*_command(family))
    async with open_node(runners[family]) as node:
        yield node


@pytest.fixture
def combination(request: pytest.FixtureRequest) -> Combination:
    combination: Combination = request.param
    return combination


@pytest.fixture
def client(node: Node, combination: Combination) -> JsClient:
    """A client that is not connected yet."""
    return node.client(combination)


@pytest.fixture
def engine(node: Node, request: pytest.FixtureRequest) -> EngineClient:
    """A client of Engine.IO by itself that is not connected yet."""
    return node.make(EngineClient, request.param)
