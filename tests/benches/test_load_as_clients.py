"""The load generator sends the requests of npm's client."""

from __future__ import annotations

import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio

from harness import install
from tools import npm_install, require_tool
from trio_socketio import EngineRequest, Server

SCRIPT = """
const socket = require("socket.io-client-4").io(process.argv[1]);
socket.on("connect", () => {
  const engine = socket.io.engine;
  if (engine.transport.name === "websocket") process.exit();
  engine.once("upgrade", () => process.exit());
});
"""

#: The figures are without compression.
LEFT_OUT = {"sec-websocket-extensions"}


def kind(request: EngineRequest) -> tuple[str, str, bool, frozenset[str]]:
    """What makes a request cheap or dear: method, transport, whether it is of a session, and its header fields."""
    method, query, names = request.method, request.query, frozenset(request.headers) - LEFT_OUT
    return method, query["transport"], "sid" in query, names


@pytest.mark.clients
@pytest.mark.slow
async def test_requests_are_those_of_the_client_in_node(tmp_path: Path) -> None:
    node = require_tool("node", debian="nodejs")
    packages = npm_install("socket.io-client", {"socket.io-client-4": "npm:socket.io-client@4.8.3"})
    install.make(tmp_path, "load", CFLAGS="-O0")
    io, seen = Server(), []

    @io.engine.use
    async def note(request: EngineRequest, go_on: Callable[[], Awaitable[None]]) -> None:
        seen.append(kind(request))
        await go_on()

    async def requests(words: list[str]) -> set[tuple[str, str, bool, frozenset[str]]]:
        seen.clear()
        with trio.fail_after(20):
            environment = {"NODE_PATH": str(packages / "node_modules")}
            await trio.run_process(words, env=environment, stdout=subprocess.DEVNULL)
        return set(seen)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(io.serve, "127.0.0.1", 0)
        port = listeners[0].socket.getsockname()[1]
        real = await requests([node, "-e", SCRIPT, f"http://127.0.0.1:{port}"])
        load = [
            str(tmp_path / "load"),
            "--port",
            str(port),
            "--scenario",
            "connect",
            "--transport",
            "default",
        ]
        assert await requests([*load, "--agent", "node", "--concurrency", "1", "--connects", "5"]) == real
        assert len(real) == 4
        nursery.cancel_scope.cancel()
