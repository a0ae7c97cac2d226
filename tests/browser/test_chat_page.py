"""The chat example in a real browser: the page and the server that people will try first."""

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

from tools import BUILD, ROOT, npm_install, require_tool

pytestmark = pytest.mark.browser

EXAMPLE = ROOT / "examples" / "chat"
DRIVER = Path(__file__).with_name("chat_page.cjs")
PACKAGES = {"playwright-core": "1.65.1", "socket.io-client": "4.8.3"}
SERVER_SECONDS = 120
DRIVER_SECONDS = 100


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
    assert process.stdout is not None and process.stderr is not None
    line = process.stdout.readline().strip()
    if not line and process.wait() != 0:
        pytest.fail(
            f"{process.args!r} ended with {process.returncode}:\n{process.stderr.read()}", pytrace=False
        )
    return line


def tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


class ChatServer:
    """The example in a process of its own; started again, it takes the port that it had."""

    def __init__(self, folder: Path) -> None:
        self.command = [sys.executable, str(folder / "server.py")]
        self.port = "0"

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        with running(self.command, SERVER_SECONDS, PORT=self.port) as process:
            said = line_of(process)
            assert said.startswith("Listening on http://127.0.0.1:"), said
            self.url = said.split()[2]
            self.port = self.url.rstrip("/").rpartition(":")[2]
            yield process

    @staticmethod
    def ends_quietly(process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=SERVER_SECONDS)
        assert (process.returncode, stdout) == (130, "")
        assert "Traceback" not in stderr


@pytest.fixture(scope="module")
def packages() -> Path:
    return npm_install("browser", PACKAGES) / "node_modules"


@pytest.fixture
def server(tmp_path: Path, packages: Path) -> ChatServer:
    """A copy of the example with its bundle installed, so that the test leaves the source folder as it is."""
    folder = shutil.copytree(EXAMPLE, tmp_path / "chat", ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(packages / "socket.io-client", folder / "node_modules" / "socket.io-client")
    return ChatServer(folder)


def test_two_people_talk_through_a_restart_of_the_server(server: ChatServer, packages: Path) -> None:
    node = require_tool("node", debian="nodejs")
    chromium = require_tool("chromium", "chromium-browser", debian="chromium")
    artifacts = BUILD / "artifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    with server.running() as first:
        command = [node, str(DRIVER), server.url, chromium, str(artifacts)]
        with running(command, DRIVER_SECONDS, NODE_PATH=str(packages)) as driver:
            assert line_of(driver) == "pause"
            first.send_signal(signal.SIGSTOP)
            tell(driver, "done")
            assert line_of(driver) == "resume"
            first.send_signal(signal.SIGCONT)
            tell(driver, "done")
            assert line_of(driver) == "kill"
            first.kill()
            first.wait()
            tell(driver, "done")
            assert line_of(driver) == "start"
            with server.running() as second:
                tell(driver, "done")
                assert line_of(driver) == ""
                server.ends_quietly(second)
