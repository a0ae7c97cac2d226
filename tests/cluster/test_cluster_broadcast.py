"""Broadcasts over several servers that a bus connects."""

from __future__ import annotations

from typing import Any

import pytest
from support.cluster import cluster
from trio.testing import wait_all_tasks_blocked


async def quiet(client: Any) -> bool:
    """Return whether the client has received nothing: its next message is the acknowledgement of this call."""
    return await client.call("ping") == ["pong"]


def answer_pings(node: Any) -> None:
    node.io.on("ping", lambda socket: "pong")


@pytest.mark.rows("I1", "I3", "G3")
async def test_emit_reaches_the_sockets_of_every_server_once() -> None:
    async with cluster(3, prepare=answer_pings) as servers:
        clients = [await node.wire.connect() for node in servers.nodes]
        await servers.nodes[0].io.emit("ev", 1, {"a": None})
        for client in clients:
            assert await client.event() == ["ev", 1, {"a": None}]
        await wait_all_tasks_blocked()
        for client in clients:
            assert await quiet(client)
