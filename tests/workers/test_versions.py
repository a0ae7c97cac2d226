"""Workers of two versions side by side, in a rolling restart after an update of the package."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest
import trio
from support.wire import SioClient
from support.worker_programs import APP, Program, needs_linux, program
from wsproto.events import CloseConnection

import trio_socketio

pytestmark = [needs_linux, pytest.mark.slow, pytest.mark.rows("I15", "I16"), pytest.mark.programs]

#: The fourth worker that starts, which is the last one to be replaced, waits while the file ``hold`` exists.
HELD_APP = """
import os, time
with open("starts", "a+b") as starts:
    starts.write(b".")
while os.path.getsize("starts") == 4 and os.path.exists("hold"):
    time.sleep(0.05)
from trio_socketio.workers._peer import MESH_VERSION
""" + APP.replace("VERSION = 1", "VERSION = MESH_VERSION")


async def by_version(running: Program) -> dict[int, SioClient]:
    """Return a client of each of two workers in the room "r", by the version of the worker."""
    found = {}
    for client in (await running.connect_to_each(2)).values():
        ((_, version),) = await client.call("who")
        assert await client.call("join", "r") == [True]
        found[version] = client
    return found


async def test_workers_of_two_versions_serve_side_by_side(tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    package = installed / "trio_socketio"
    shutil.copytree(
        Path(trio_socketio.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    (tmp_path / "hold").touch()
    prefix = ["env", f"PYTHONPATH={installed}"]
    async with program(tmp_path, "--workers", 2, app=HELD_APP, prefix=prefix) as running:
        former = await running.connect_to_each(2)
        peer = package / "workers" / "_peer.py"
        text = peer.read_text("utf-8")
        assert "MESH_VERSION = 1\n" in text
        peer.write_text(text.replace("MESH_VERSION = 1\n", "MESH_VERSION = 2\n"), "utf-8")
        running.send(signal.SIGHUP)
        await running.log("has version 1 of the protocol between workers, and this one has 2")

        # Each version has a worker. Clients connect to both, and each reaches the clients of its own.
        while len(clients := await by_version(running)) < 2:
            pass  # the former worker of the first slot still drained
        sids = {version: client.sids["/"] for version, client in clients.items()}
        for version, client in clients.items():
            (found,) = await client.call("count")
            assert sids[version] in found and sids[3 - version] not in found
            await client.emit("say", "r", f"from {version}", ack=5)
            assert await client.event() == ["said", f"from {version}"]
            assert await client.receive() == "35[true]"

        # When all workers have the new version, they reach each other.
        (tmp_path / "hold").unlink()
        await running.log("all workers are replaced")
        for client in (*former.values(), clients[1]):
            assert isinstance(await client.receive(), CloseConnection)
            await trio.aclose_forcefully(client.ws.stream)
        here, there = (await running.connect_to_each(2)).values()
        assert await there.call("join", "s") == [True]
        assert await here.call("say", "s", "hello") == [True]
        assert await there.event() == ["said", "hello"]
        (found,) = await here.call("count")
        assert {here.sids["/"], there.sids["/"], sids[2]} <= set(found)
        assert not any("Traceback" in line for line in running.lines)
