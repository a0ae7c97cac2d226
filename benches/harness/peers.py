"""The servers that are compared: what each is called, and how it is started."""

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
        name: what ``--servers`` selects.
        title: what it is called in a table.
        needs: what has to be there first: "ours", "npm", "pip" or "c".
        command: words of its command; names in braces are filled in.
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
        Peer("limit-send", "C limit, a send each", "c", ("{limit}", "--mode", "send")),
        Peer("limit-coalesced", "C limit, coalesced", "c", ("{limit}", "--mode", "coalesced")),
    )
}


def bun() -> Path:
    """The runtime of the npm package, whether or not npm ran the script that moves it to its place.

    Where the script did not run, a small text that says so is there instead.
    """
    packages = places.NODE / "node_modules"
    candidates = [*packages.glob("bun/bin/bun.exe"), *packages.glob("@oven/bun-linux-*/bin/bun")]
    found = [path for path in candidates if path.stat().st_size > 1_000_000]
    return found[0] if found else packages / "bun" / "bin" / "bun.exe"


def command(peer: Peer) -> list[str]:
    """The words that start it on a free port."""
    names = {
        "python": sys.executable,
        "servers": places.SERVERS,
        "bun": bun(),
        "venv": places.VENV,
        "limit": places.LIMIT,
    }
    return [word.format_map(names) for word in peer.command] + ["--port", "0"]


def environment(peer: Peer, source: Path | None = None) -> Mapping[str, str]:
    """What it finds in its environment.

    Args:
        peer: the server.
        source: the folder that holds another version of our package.
    """
    variables = dict(os.environ)
    if peer.needs == "ours":
        if source is not None:
            variables["PYTHONPATH"] = str(source)
    else:
        variables.pop("PYTHONPATH", None)
    return variables | {"BENCH_PACKAGES": str(places.NODE / "package.json"), "NODE_ENV": "production"}
