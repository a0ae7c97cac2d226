"""The example ``examples/engine`` does what it says."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
from typing import Any
from urllib.request import urlopen

import pytest
from support.peers import Transport, open_peer
from trio.testing import wait_all_tasks_blocked

from tools import ROOT

pytestmark = pytest.mark.programs

SERVER = ROOT / "examples" / "engine" / "server.py"


@pytest.fixture
def example() -> dict[str, Any]:
    return runpy.run_path(str(SERVER))


@pytest.mark.rows("A12")
@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_it_mirrors_what_comes_and_tells_the_time(
    running: Any,
    example: dict[str, Any],
    transport: Transport,
    autojump_clock: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with running(example["eio"]) as net:
        peer = await open_peer(net, transport)
        assert await peer.receive() == "connected clients: 1"
        await peer.send("hello", b"\x01\x02")
        assert [await peer.receive(), await peer.receive()] == ["olleh", b"\x02\x01"]
        for _ in range(3):
            told = await peer.receive()
            assert isinstance(told, str)
            assert [len(part) for part in told.split(":")] == [2, 2, 2]
        await peer.close()
        await wait_all_tasks_blocked()
    assert "a client disconnected: transport close" in capsys.readouterr().out


@pytest.mark.rows("A12", "P38")
def test_it_runs() -> None:
    """A client speaks with it, and Ctrl-C ends it."""
    command = [sys.executable, str(SERVER)]
    with subprocess.Popen(
        command, env={**os.environ, "PORT": "0"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("Listening on ").strip()
        with urlopen(f"{url}/engine.io/?EIO=4&transport=polling", timeout=30) as response:
            assert response.read(1) == b"0"
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == "a client disconnected: server shutting down (the server stops)\n"
    assert "Traceback" not in errors
