"""Runs servers and the load generator as processes, each on its own core."""

from __future__ import annotations

import json
import os
import resource
import select
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import places

START_SECONDS, STOP_SECONDS = 20.0, 5.0

Result = dict[str, Any]


class FailedError(Exception):
    """A process has failed. The message says which one and why."""


@dataclass(frozen=True, slots=True)
class Cores:
    """The cores of the server and of the load generator. None allows all cores."""

    server: int | None
    load: int | None

    @classmethod
    def choose(cls) -> Cores:
        """Choose the first and the last core of this process, if it may use at least two."""
        allowed = sorted(os.sched_getaffinity(0))
        return cls(allowed[0], allowed[-1]) if len(allowed) > 1 else cls(None, None)


@contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """Run processes that are started in this context on this core, with all their threads."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def raise_file_limit() -> int:
    """Raise the limit of open files to the hard limit, for this process and its children, and return it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def last_line(path: Path) -> str:
    """Return the last line of a log that is not blank."""
    lines = [line for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"


@dataclass(frozen=True, slots=True)
class Running:
    """A running server, which listens."""

    pid: int
    port: int

    def memory(self) -> dict[str, int]:
        """Return the resident memory of the server in bytes: all, without files, and the most so far."""
        fields = dict(
            line.split(":", 1) for line in Path(f"/proc/{self.pid}/status").read_text().splitlines()
        )
        return {key: int(fields[key].split()[0]) * 1024 for key in ("VmRSS", "RssAnon", "VmHWM")}

    def cpu_seconds(self) -> float:
        """Return the processor time of all its threads so far, in seconds."""
        after_name = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    def settle(self, limit: float = 3.0) -> None:
        """Wait until the server is idle: it uses no processor time for a tenth of a second."""
        deadline = time.monotonic() + limit
        before = -1.0
        while before != (before := self.cpu_seconds()) and time.monotonic() < deadline:
            time.sleep(0.1)


@contextmanager
def serving(
    name: str, words: Sequence[str], variables: Mapping[str, str], core: int | None
) -> Iterator[Running]:
    """Start a server, wait until it prints its port, and kill it at the end.

    Raises:
        FailedError: the server did not start.
    """
    places.LOGS.mkdir(parents=True, exist_ok=True)
    log = places.LOGS / f"{name}.log"
    with log.open("wb") as errors, on_core(core):
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, env=variables)
    try:
        yield Running(process.pid, _port(process, log))
    finally:
        process.kill()  # no graceful stop: the clients have disconnected, and it has nothing to save
        process.communicate()


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    assert process.stdout is not None
    said = b""
    deadline = time.monotonic() + START_SECONDS
    while not said.endswith(b"\n"):
        if not select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise FailedError(f"the server said no port for {START_SECONDS:.0f} s: {last_line(log)}")
        piece = os.read(process.stdout.fileno(), 4096)
        if not piece:
            raise FailedError(f"the server ended at once: {last_line(log)}")
        said += piece
    word, number = said.split()[:2]
    if word != b"PORT":
        raise FailedError(f"the server said {said!r} instead of its port")
    return int(number)


class Load:
    """A running load generator. It reads commands from its standard input, a line each, and answers with JSON."""

    def __init__(self, server: Running, options: Sequence[str], core: int | None) -> None:
        words = [str(places.LOAD), "--host", "127.0.0.1", "--port", str(server.port)]
        words += ["--server-pid", str(server.pid), *options]
        places.LOGS.mkdir(parents=True, exist_ok=True)
        self._log = places.LOGS / "load.log"
        with self._log.open("wb") as errors, on_core(core):
            self._process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )
        self._pending = b""

    def read(self, seconds: float) -> Result:
        """Read the next line.

        Raises:
            FailedError: the load generator has exited, did not answer in time, or printed something else than JSON.
        """
        assert self._process.stdout is not None
        deadline = time.monotonic() + seconds
        while b"\n" not in self._pending:
            if not select.select([self._process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise FailedError(f"the load generator was not done after {seconds:.0f} s")
            piece = os.read(self._process.stdout.fileno(), 65536)
            if not piece:
                raise FailedError(f"the load generator: {last_line(self._log)}")
            self._pending += piece
        line, _, self._pending = self._pending.partition(b"\n")
        return parse(line)

    @property
    def has_answered(self) -> bool:
        """Whether ``read`` would return or fail without waiting."""
        return b"\n" in self._pending or bool(select.select([self._process.stdout], [], [], 0)[0])

    def ask(self, command: str, seconds: float) -> Result:
        """Write a command, and read the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(command.encode() + b"\n")
        self._process.stdin.flush()
        return self.read(seconds)

    def finish(self, seconds: float) -> Result:
        """Close the input of the load generator, and read its result."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self.read(seconds)

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def parse(line: bytes) -> Result:
    """Parse a line of the load generator. Nested values, such as the rate of "echo", get names such as ``echo_rate``.

    Raises:
        FailedError: the line is not a JSON object.
    """
    try:
        result = json.loads(line)
    except ValueError:
        result = None
    if not isinstance(result, dict):
        raise FailedError(f"the load generator said {line[:80]!r}, which is no object of JSON")
    flat: Result = {}
    for name, value in result.items():
        flat |= (
            {f"{name}_{key}": item for key, item in value.items()}
            if isinstance(value, dict)
            else {name: value}
        )
    return flat
