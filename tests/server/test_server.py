"""The Socket.IO server: its error hook, its clients, and the ids of its sockets."""

from __future__ import annotations

from typing import Any

import pytest
from trio.testing import wait_all_tasks_blocked

from trio_socketio import (
    LocalProtocolError,
    Server,
    Socket,
)


def test_async_error_hook_is_refused() -> None:
    async def hook(socket: Socket, event: str | float, error: Exception) -> None: ...

    with pytest.raises(TypeError, match="never awaited"):
        Server().on_error(hook)


@pytest.mark.rows("C36")
async def test_clients_count_is_the_number_of_open_sessions(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        assert io.engine.clients_count == 0
        client = await net.session()
        await net.polling()
        assert io.engine.clients_count == 2
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
        assert io.engine.clients_count == 1


async def test_socket_ids_do_not_depend_on_the_applications_session_ids(running: Any) -> None:
    numbers = iter(range(100))
    io = Server(generate_id=lambda: f"session-{next(numbers)}")
    async with running(io) as net:
        client = await net.connect()
        assert client.open["sid"] == "session-0"
        assert len(client.sids["/"]) == 20


async def test_server_side_emit_without_a_cluster_raises(running: Any) -> None:
    io = Server()
    with pytest.raises(LocalProtocolError, match="cluster adapter"):
        await io.server_side_emit("ev")
