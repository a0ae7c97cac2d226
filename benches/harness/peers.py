"""The servers that are compared, with their names and commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness import places


@dataclass(frozen=True, slots=True)
class Peer:
    """One server.

    Attributes:
        name: its name in ``--servers``.
        title: its name in a table.
        needs: what must be installed first: "ours", "npm", "pip" or "c".
        command: the words of its command. ``command`` replaces the names in braces.
    """

    name: str
    title: str
    needs: str
    command: tuple[str, ...]


PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        Peer("ours", "trio-socketio", "ours", ("{python}", "{servers}/ours.py")),
        Peer(
            "ours-def", "trio-socketio, def", "ours", ("{python}", "{servers}/ours.py", "--handlers", "def")
        ),
        Peer(
            "ours-stream",
            "trio-socketio, streams",
            "ours",
            ("{python}", "{servers}/ours.py", "--driver", "stream"),
        ),
        Peer(
            "ours-guest",
            "trio-socketio, asyncio",
            "ours",
            ("{python}", "{servers}/ours.py", "--loop", "asyncio"),
        ),
        Peer(
            "ours-speed",
            "trio-socketio, httptools",
            "ours",
            ("{python}", "{servers}/ours.py", "--http", "httptools"),
        ),
        Peer("ours-asgi", "trio-socketio, asgi=", "ours", ("{python}", "{servers}/ours.py", "--asgi")),
        Peer(
            "ours-asgi-speed",
            "trio-socketio, asgi=, httptools",
            "ours",
            ("{python}", "{servers}/ours.py", "--asgi", "--http", "httptools"),
        ),
        Peer("bare", "Trio, h11, trio-websocket", "ours", ("{python}", "{servers}/bare.py")),
        Peer(
            "websockets-trio",
            "websockets on Trio, raw",
            "pip",
            ("{venv}/bin/python", "{servers}/websockets_trio.py"),
        ),
        Peer("node", "socket.io on Node", "npm", ("node", "{servers}/node.mjs")),
        Peer("bun", "socket.io on Bun", "npm", ("{bun}", "{servers}/bun.mjs")),
        Peer(
            "psio-uvicorn",
            "python-socketio, uvicorn",
            "pip",
            ("{venv}/bin/python", "{servers}/python_socketio_asgi.py"),
        ),
        Peer(
            "psio-aiohttp",
            "python-socketio, aiohttp",
            "pip",
            ("{venv}/bin/python", "{servers}/python_socketio_aiohttp.py"),
        ),
        *(
            Peer(
                f"uvicorn-{parser}",
                f"uvicorn, {parser}",
                "pip",
                ("{venv}/bin/python", "{servers}/hello_uvicorn.py", "--http", parser),
            )
            for parser in ("h11", "httptools")
        ),
        Peer("hypercorn", "Hypercorn, Trio", "pip", ("{venv}/bin/python", "{servers}/hello_hypercorn.py")),
        Peer("limit-send", "C limit, a send each", "c", ("{limit}", "--mode", "send")),
        Peer("limit-coalesced", "C limit, coalesced", "c", ("{limit}", "--mode", "coalesced")),
    )
}


def bun() -> Path:
    """Find the runtime in the npm package. An install script moves it, but npm may not have run the script.

    In this case, there is a small text file in the place of the runtime.
    """
    packages = places.NODE / "node_modules"
    candidates = [*packages.glob("bun/bin/bun.exe"), *packages.glob("@oven/bun-linux-*/bin/bun")]
    found = [path for path in candidates if path.stat().st_size > 1_000_000]
    return found[0] if found else packages / "bun" / "bin" / "bun.exe"


def command(peer: Peer) -> list[str]:
    """Return the words of the command that starts a server on a free port."""
    names = {
        "python": sys.executable,
        "servers": places.SERVERS,
        "bun": bun(),
        "venv": places.VENV,
        "limit": places.LIMIT,
    }
    return [word.format_map(names) for word in peer.command] + ["--port", "0"]


def environment(peer: Peer, source: Path | None = None) -> Mapping[str, str]:
    """Return the environment variables of a server.

    Args:
        peer: the server.
        source: the folder of another version of our package, or None.
    """
    variables = dict(os.environ)
    if peer.needs == "ours":
        if source is not None:
            variables["PYTHONPATH"] = str(source)
    else:
        variables.pop("PYTHONPATH", None)
    return variables | {"BENCH_PACKAGES": str(places.NODE / "package.json"), "NODE_ENV": "production"}
