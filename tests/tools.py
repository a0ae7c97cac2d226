"""Foreign programs and npm packages that some tests need: found or installed once, or the test says what is missing."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"

INSTALL_SECONDS = 300


def missing(reason: str) -> NoReturn:
    """Skip the test; where everything must be there (``CI=true``), fail it instead."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def require_tool(*names: str, debian: str) -> str:
    """Return the path of the first program of `names` on PATH.

    Args:
        names: program names, the preferred one first.
        debian: the Debian package that holds the program, for the message when none is found.
    """
    for name in names:
        if path := shutil.which(name):
            return path
    missing(f"needs {' or '.join(names)} on PATH (Debian package: {debian})")


def npm_install(name: str, packages: dict[str, str], overrides: dict[str, Any] | None = None) -> Path:
    """Install npm packages into ``build/npm/<name>`` and return that folder.

    Nothing happens when the same packages are there already; processes that ask at the same time wait for one another.
    A script finds the packages with ``NODE_PATH=<folder>/node_modules`` and ``require``.

    Args:
        name: the folder's name; one for each set of packages.
        packages: dependencies as in package.json, such as ``{"socket.io-client": "4.8.3"}`` or
            ``{"socket.io-client-3": "npm:socket.io-client@3.1.3"}``.
        overrides: what is installed in the place of others that these depend on, as in package.json.
    """
    npm = require_tool("npm", debian="npm")
    folder = BUILD / "npm" / name
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {"private": True, "dependencies": packages, **({"overrides": overrides} if overrides else {})}
    manifest = json.dumps(wanted, indent=2, sort_keys=True)
    installed = folder / "installed.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (installed.exists() and installed.read_text("utf-8") == manifest):
            installed.unlink(missing_ok=True)
            (folder / "package.json").write_text(manifest, "utf-8")
            _run(
                [
                    npm,
                    "install",
                    "--ignore-scripts",
                    "--no-audit",
                    "--no-fund",
                    "--omit-lockfile-registry-resolved",
                ],
                folder,
            )
            installed.write_text(manifest, "utf-8")
    return folder


def _run(command: list[str], folder: Path) -> None:
    what = " ".join(command[:4])
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        missing(f"{what} in {folder} took longer than {INSTALL_SECONDS} s")
    if done.returncode != 0:
        missing(f"{what} in {folder} failed:\n{done.stderr}")


def pip_install(name: str, requirements: list[str]) -> Path:
    """Install Python packages into a virtual environment, ``build/venv/<name>``, and return its interpreter.

    It is one for each version of Python; otherwise as ``npm_install``.
    """
    folder = BUILD / "venv" / f"{name}-{sys.version_info.major}.{sys.version_info.minor}"
    folder.mkdir(parents=True, exist_ok=True)
    manifest = "\n".join(requirements)
    installed = folder / "installed.txt"
    python = folder / "bin" / "python"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (installed.exists() and installed.read_text("utf-8") == manifest):
            installed.unlink(missing_ok=True)
            _run([sys.executable, "-m", "venv", str(folder)], folder)
            _run([str(python), "-m", "pip", "install", "--quiet", *requirements], folder)
            installed.write_text(manifest, "utf-8")
    return python
