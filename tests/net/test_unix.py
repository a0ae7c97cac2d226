"""Listening on a Unix-domain socket: which files at its path are replaced and removed."""

from __future__ import annotations

import socket as stdlib_socket
from pathlib import Path

import pytest
import trio

from trio_socketio import Server
from trio_socketio.net._unix import unix_listener


@pytest.mark.rows("A17")
async def test_unix_socket_of_a_dead_server_is_replaced_and_of_a_living_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with stdlib_socket.socket(stdlib_socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with trio.open_nursery() as nursery:
        await nursery.start(Server().serve_unix, path)
        with pytest.raises(OSError, match="in use"):
            await Server().serve_unix(path)
        nursery.cancel_scope.cancel()
    path.write_text("not a socket")
    with pytest.raises(OSError, match="in use"):
        await Server().serve_unix(path)
    assert path.read_text() == "not a socket"


async def test_socket_file_that_replaced_ours_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with unix_listener(str(path), 0o600):
        path.unlink()
        path.write_text("another file")
    assert path.read_text() == "another file"


async def test_umask_is_restored_if_the_path_cannot_be_bound(tmp_path: Path) -> None:
    before = tmp_path / "before"
    before.touch()
    with pytest.raises(FileNotFoundError), unix_listener(str(tmp_path / "missing" / "socket"), 0o600):
        pass
    after = tmp_path / "after"
    after.touch()
    assert after.stat().st_mode == before.stat().st_mode
