"""Installs the peers and compiles the C programs. The run continues without peers that cannot be installed."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path

from harness import places
from harness.peers import PEERS, bun

INSTALL_SECONDS = 600


class MissingError(Exception):
    """Something cannot be installed or compiled. The message is the reason."""


def reason(output: str) -> str:
    """Return the last line of an installer's output that is not blank or a notice."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    told = [
        line for line in lines if "complete log of this run" not in line and not line.startswith("[notice]")
    ]
    return told[-1] if told else "it failed without a word"


def _run(*words: str | Path, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(
            words, cwd=cwd, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except FileNotFoundError:
        raise MissingError(f"there is no {words[0]} on PATH") from None
    except subprocess.TimeoutExpired:
        raise MissingError(f"{words[0]} took longer than {INSTALL_SECONDS} s") from None
    if done.returncode != 0:
        raise MissingError(reason(done.stderr or done.stdout))
    return done.stdout


def _once(folder: Path, wanted: Path, install: Callable[[], None]) -> None:
    """Install, unless the same list of packages was installed in this folder before."""
    stamp = folder / "installed"
    text = wanted.read_text("utf-8")
    if stamp.exists() and stamp.read_text("utf-8") == text:
        return
    folder.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    install()
    stamp.write_text(text, "utf-8")


def npm() -> None:
    """Install Socket.IO, its engine for Bun, and Bun itself."""
    wanted = places.SERVERS / "package.json"

    def install() -> None:
        shutil.copy(wanted, places.NODE)
        _run("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", cwd=places.NODE)

    _once(places.NODE, wanted, install)


def pip() -> None:
    """Install python-socketio and its servers in a separate virtual environment."""
    wanted = places.SERVERS / "requirements.txt"

    def install() -> None:
        _run(sys.executable, "-m", "venv", "--clear", places.VENV)
        _run(places.VENV / "bin" / "python", "-m", "pip", "install", "-q", "-r", wanted)

    _once(places.VENV, wanted, install)


def c() -> None:
    """Compile the load generator and the limit servers.

    Raises:
        MissingError: the compilation failed.
    """
    make(places.BUILD, "load", "limit")


def make(folder: Path, *programs: str, **variables: str) -> None:
    """Compile programs in a folder, with variables of the Makefile.

    Raises:
        MissingError: the compilation failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    assigned = [f"{name}={value}" for name, value in ({"OUT": folder} | variables).items()]
    _run("make", "-s", "-C", places.BENCHES, *assigned, *(folder / program for program in programs))


def certificate() -> Path:
    """Make a certificate and its key, with the elliptic curve that most servers use, unless there is one.

    Returns:
        The folder with ``certificate.pem`` and ``key.pem``.

    Raises:
        MissingError: there is no program openssl, or it failed.
    """
    key, file = places.TLS / "key.pem", places.TLS / "certificate.pem"
    if file.exists():
        return places.TLS
    places.TLS.mkdir(parents=True, exist_ok=True)
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    _run(*words, "-days", "3650", "-subj", "/CN=localhost", "-keyout", key, "-out", file)
    return places.TLS


def prepare(names: Iterable[str], say: Callable[[str], None]) -> dict[str, str]:
    """Install the packages of the servers in `names`. The limit servers are compiled with the load generator.

    Returns:
        The servers that cannot run, with the reason.
    """
    wanted = list(names)
    missing = {}
    for needs, install in (("npm", npm), ("pip", pip)):
        users = [name for name in wanted if PEERS[name].needs == needs]
        if not users:
            continue
        say(f"installing with {needs}: {', '.join(users)}")
        try:
            install()
        except MissingError as error:
            missing.update(dict.fromkeys(users, str(error)))
    if "bun" in wanted and "bun" not in missing and not bun().exists():
        missing["bun"] = "the npm package bun has no runtime for this machine"
    for name, why in missing.items():
        say(f"left out: {name}: {why}")
    return missing


def versions() -> dict[str, str]:
    """Return the versions of all programs and packages that are installed and take part."""
    found = {"python": f"{platform.python_implementation()} {platform.python_version()}"}
    for package in ("trio-socketio", "trio", "msgspec", "h11"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed; imported from a folder"
    for name, words in (
        ("node", ["node", "--version"]),
        ("bun", [bun(), "--version"]),
        ("gcc", ["gcc", "-dumpfullversion"]),
    ):
        try:
            found[name] = _run(*words).strip()
        except MissingError:
            continue
    for package in ("socket.io", "engine.io", "ws", "@socket.io/bun-engine"):
        manifest = places.NODE / "node_modules" / package / "package.json"
        if manifest.exists():
            found[package] = json.loads(manifest.read_text("utf-8"))["version"]
    try:
        listed = json.loads(_run(places.VENV / "bin" / "python", "-m", "pip", "list", "--format=json"))
    except MissingError:
        listed = []
    chosen = ("python-socketio", "python-engineio", "uvicorn", "uvloop", "httptools", "websockets", "aiohttp")
    chosen += ("fastapi", "hypercorn")
    return found | {item["name"]: item["version"] for item in listed if item["name"] in chosen}
