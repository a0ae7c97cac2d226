"""The public socket: its id, its own room, and the application's data."""

from __future__ import annotations

from typing import Any

import pytest

from trio_socketio import Server


@pytest.mark.rows("E2", "E4", "G2")
async def test_socket_id_is_not_the_session_id(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        sid = client.sids["/"]
        assert len(sid) == 20
        assert sid != client.open["sid"]
        (socket,) = io.sockets.values()
        assert socket.id == sid
        assert socket.rooms == {sid}
        assert socket.conn.id == client.open["sid"]


@pytest.mark.rows("E25")
async def test_data_belongs_to_one_socket(running: Any) -> None:
    io = Server()
    io.on("set", lambda socket, value: socket.data.update(value=value))
    io.on("get", lambda socket: socket.data["value"])
    async with running(io) as net:
        client, other = await net.connect(), await net.connect()
        await client.call("set", 1)
        await other.call("set", 2)
        assert await client.call("get") == [1]
