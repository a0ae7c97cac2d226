"""The page about clusters: its bus is the one of the tests, and its server works with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import memory_bus
from support.cluster import cluster
from support.memory_bus import Hub, MemoryBus
from trio.testing import wait_all_tasks_blocked

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adapters.md").read_text("utf-8")
EXAMPLE, BUS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.rows("I14")
def test_bus_of_the_page_is_the_one_that_the_tests_use() -> None:
    assert Path(memory_bus.__file__).read_text("utf-8") == BUS
    assert len(BUS.splitlines()) < 80


@pytest.mark.rows("I14")
async def test_example_connects_servers(capsys: pytest.CaptureFixture[str]) -> None:
    block: dict[str, object] = {"__name__": "example"}
    exec(compile(EXAMPLE, "adapters.md", "exec"), block)
    async with cluster(1) as servers:
        client = await servers.nodes[0].wire.connect()
        servers.nodes[0].io.on_server("load", lambda: 7)
        io = block["make_server"](MemoryBus(servers.hub))
        async with io:
            await wait_all_tasks_blocked()
            await block["ask"](io)
            assert await client.event() == ["hello", client.sids["/"]]
    assert capsys.readouterr().out == "the link is up\n[7]\n"


async def test_servers_without_a_common_bus_are_apart() -> None:
    async with cluster(1) as servers:
        servers.hub = Hub()
        other = await servers.add()
        await other.wire.connect()
        assert await servers.nodes[0].io.fetch_sockets() == []
