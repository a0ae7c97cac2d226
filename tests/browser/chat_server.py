"""The chat example as a program, and programs that are talked to by lines."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools import ROOT, npm_install

__all__ = ["ChatServer", "line_of", "modules", "running", "tell"]

EXAMPLE = ROOT / "examples" / "chat"
PACKAGES = {"playwright-core": "1.65.1", "socket.io-client": "4.8.3"}
SERVER_SECONDS = 600


def modules() -> Path:
    """Where the npm packages are installed."""
    return npm_install("browser", PACKAGES) / "node_modules"


@contextmanager
def running(command: list[str], seconds: float, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program and talk to it by lines; the deadline ends it, and with it every wait for one of its lines."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=os.environ | environment, text=True, stdin=pipe, stdout=pipe, stderr=pipe
    ) as process:
        deadline = threading.Timer(seconds, process.kill)
        deadline.start()
        try:
            yield process
        finally:
            deadline.cancel()
            process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line that a program prints; empty when it has ended well."""
    assert process.stdout is not None and process.stderr is not None
    line = process.stdout.readline().strip()
    if not line and process.wait() != 0:
        pytest.fail(
            f"{process.args!r} ended with {process.returncode}:\n{process.stderr.read()}", pytrace=False
        )
    return line


def tell(process: subprocess.Popen[str], line: str) -> None:
    """Write a line to a program's standard input."""
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


class ChatServer:
    """The example in a process of its own; started again, it takes the port that it had.

    Args:
        folder: an empty folder for a copy of the example with its bundle, so that the source folder stays as it is.
    """

    def __init__(self, folder: Path) -> None:
        shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules"), dirs_exist_ok=True)
        shutil.copytree(modules() / "socket.io-client", folder / "node_modules" / "socket.io-client")
        self.command = [sys.executable, str(folder / "server.py")]
        self.port = "0"

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        """Run it for as long as the block."""
        with running(self.command, SERVER_SECONDS, PORT=self.port) as process:
            said = line_of(process)
            assert said.startswith("Listening on http://127.0.0.1:"), said
            self.url = said.split()[2]
            self.port = self.url.rpartition(":")[2]
            yield process

    @staticmethod
    def ends_quietly(process: subprocess.Popen[str]) -> None:
        """Press Ctrl-C."""
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=SERVER_SECONDS)
        assert (process.returncode, stdout) == (130, "")
        assert "Traceback" not in stderr
