"""Clients that close while they are not read: the next ping or the kernel detects it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import trio
import trio.testing
from support import cut_link
from support.raw import WEBSOCKET, upgrade
from support.wire import client_frame

from trio_socketio import Server, Socket

pytestmark = [
    pytest.mark.rows("P2"),
    pytest.mark.skipif(sys.platform != "linux", reason="Linux says how long a peer may be silent"),
]


def network_of_our_own() -> None:
    """Skip the test where there can be none; in CI that is a failure."""
    command = ["unshare", "-Urn", "ip", "link", "set", "lo", "up"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = f"{' '.join(command)} does not work here: {error}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.mark.parametrize(
    "kind", ["reactor", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("stream", "tls"))]
)
def test_cut_link_ends_a_paused_client(kind: str) -> None:
    network_of_our_own()
    program = Path(cut_link.__file__)
    result = subprocess.run(
        ["unshare", "-Urn", sys.executable, str(program), kind],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout, "the server did not notice"
    # The next ping is sent within the interval, and must be acknowledged within both times.
    assert float(result.stdout) < 10


@pytest.mark.parametrize("driver", ["auto", "stream"])
async def test_next_ping_detects_a_close_behind_a_full_window(driver: str) -> None:
    io = Server(inbox_events=8, ping_interval=0.3, ping_timeout=0.3, driver=driver)  # type: ignore[arg-type]
    ended = trio.Event()

    @io.on("slow")
    async def slow(socket: Socket) -> None:
        try:
            await trio.sleep_forever()
        finally:
            ended.set()

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            (listener,) = await nursery.start(io.serve, "127.0.0.1", 0)
            client = socket.create_connection(listener.socket.getsockname())
            client.sendall(upgrade(WEBSOCKET) + client_frame(1, b"40"))
            client.setblocking(False)
            await fill(client, client_frame(1, b'42["slow"]') * 1000)
            await read_all_there_is(client)
            client.close()  # what is sent has not come through, and neither does the end
            assert not ended.is_set()
            await ended.wait()
            nursery.cancel_scope.cancel()


async def fill(client: socket.socket, data: bytes) -> None:
    """Send until nothing is taken any more: the window of the server is full."""
    stuck = 0
    while stuck < 5:
        try:
            client.send(data)
            stuck = 0
        except BlockingIOError:
            stuck += 1
            await trio.testing.wait_all_tasks_blocked(0.02)


async def read_all_there_is(client: socket.socket) -> None:
    """Or closing would be a reset."""
    try:
        while client.recv(65536):
            pass
    except BlockingIOError:
        pass
