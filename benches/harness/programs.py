"""Runs Redis, and servers that obey lines from standard input."""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from harness import places
from harness.processes import START_SECONDS, FailedError, Result, Running, last_line, on_core

ANSWER_SECONDS = 60.0


class Lines:
    """Reads lines that a process prints, each within a time limit."""

    def __init__(self, pipe: IO[bytes], log: Path) -> None:
        self._pipe, self._log = pipe, log
        self._pending = b""

    def read(self, seconds: float) -> str:
        """Read the next line.

        Raises:
            FailedError: the process has ended, or has printed no line in this time.
        """
        deadline = time.monotonic() + seconds
        while b"\n" not in self._pending:
            if not select.select([self._pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise FailedError(f"no line for {seconds:.0f} s: {last_line(self._log)}")
            piece = os.read(self._pipe.fileno(), 65536)
            if not piece:
                raise FailedError(f"it has ended: {last_line(self._log)}")
            self._pending += piece
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode()


class Program:
    """A running server that obeys lines."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin = process.stdin
        self._lines = Lines(process.stdout, log)
        first = self._lines.read(START_SECONDS).split()
        #: its process and port
        self.running = Running(process.pid, int(first[-1].rpartition(":")[2].strip("/")))

    def ask(self, line: str) -> Result:
        """Give it a command, and return its answer."""
        self._stdin.write(line.encode() + b"\n")
        self._stdin.flush()
        answer: Result = json.loads(self._lines.read(ANSWER_SECONDS))
        return answer

    def cpu_us(self) -> float:
        """Return its processor time so far, in microseconds."""
        return float(self.ask("cpu")["cpu_us"])


@contextmanager
def program(
    name: str, words: Sequence[str], variables: Mapping[str, str], core: int | None
) -> Iterator[Program]:
    """Start a server whose first line ends with its port, and end it.

    Raises:
        FailedError: it did not start.
    """
    places.LOGS.mkdir(parents=True, exist_ok=True)
    log = places.LOGS / f"{name}.log"
    with log.open("wb") as errors, on_core(core):
        process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=variables
        )
    try:
        yield Program(process, log)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@contextmanager
def redis(core: int | None) -> Iterator[str]:
    """Run a Redis without persistence, and yield its URL.

    Raises:
        FailedError: there is no redis-server, or it did not start.
    """
    if (path := shutil.which("redis-server")) is None:
        raise FailedError("there is no redis-server on PATH (Debian package: redis-server)")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder, on_core(core):
        words = [path, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        words += ["--client-output-buffer-limit", "pubsub 0 0 0"]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        try:
            _wait_for(port)
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.05)
    raise FailedError("redis-server did not start")
