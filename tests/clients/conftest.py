"""Fixtures for tests with real clients: each such test runs once for each combination."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clients.combinations import COMBINATIONS, Combination
from clients.harness import PACKAGES, JsClient, Node, open_node
from tools import npm_install, require_tool


@pytest.fixture(scope="session")
def node_program() -> str:
    return require_tool("node", "nodejs", debian="nodejs")


@pytest.fixture(scope="session")
def node_packages(node_program: str) -> Path:
    return npm_install("clients", PACKAGES)


@pytest.fixture
async def node(node_program: str, node_packages: Path) -> AsyncIterator[Node]:
    async with open_node(node_program, node_packages) as node:
        yield node


@pytest.fixture(params=COMBINATIONS, ids=str)
def combination(request: pytest.FixtureRequest) -> Combination:
    combination: Combination = request.param
    return combination


@pytest.fixture
def client(node: Node, combination: Combination) -> JsClient:
    """A client that is not connected yet."""
    return node.client(combination)
