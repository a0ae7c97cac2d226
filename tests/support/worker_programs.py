"""Runs ``python -m trio_socketio serve`` for tests: its process, its workers, its log, and clients of its workers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from support.wire import HttpClient, SioClient, WebSocket

__all__ = ["APP", "Program", "needs_linux", "program"]

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="workers need Linux")

#: How long a test with processes may take, in seconds.
SECONDS = 240

APP = """
import os
import trio
from trio_socketio import Server, Socket

io = Server(health_path="/healthz", disconnect_timeout=1)
VERSION = 1


@io.on("who")
def who(socket: Socket) -> list[int]:
    return [os.getpid(), VERSION]


@io.on("join")
def join(socket: Socket, room: str) -> bool:
    socket.join(room)
    return True


@io.on("say")
async def say(socket: Socket, room: str, text: str) -> bool:
    await io.to(room).emit("said", text)
    return True


@io.on("ask")
async def ask(socket: Socket, room: str) -> list[object]:
    answers = await io.to(room).call("question", timeout=10)
    return sorted(answers.values.values())


@io.on("count")
async def count(socket: Socket) -> list[str]:
    return sorted(found.id for found in await io.fetch_sockets())


@io.on("slow")
async def slow(socket: Socket, seconds: float) -> str:
    await socket.emit("begun")
    await trio.sleep(seconds)
    return "done"
"""


class Program:
    """A parent and its workers.

    Attributes:
        process: the parent.
        port: where it listens.
        lines: the lines of its log so far.
    """

    def __init__(self, process: trio.Process) -> None:
        self.process = process
        self.port = 0
        self.lines: list[str] = []
        self._arrived = trio.Event()
        self._is_over = False
        self._read = 0
        self.streams: list[trio.abc.Stream] = []

    # what it writes

    async def read(self) -> None:
        """Collect the lines of its log."""
        assert self.process.stderr is not None
        rest = b""
        async for data in self.process.stderr:
            *lines, rest = (rest + data).split(b"\n")
            self.lines += [line.decode() for line in lines]
            self._wake()
        self.lines += [rest.decode()] if rest else []
        self._is_over = True
        self._wake()

    def _wake(self) -> None:
        self._arrived.set()
        self._arrived = trio.Event()

    async def log(self, pattern: str) -> str:
        """Wait for a line of the log that matches, after the line that the previous call has returned."""
        while True:
            while self._read < len(self.lines):
                line = self.lines[self._read]
                self._read += 1
                if re.search(pattern, line):
                    return line
            assert not self._is_over, f"no line matches {pattern}: {self.lines}"
            await self._arrived.wait()

    async def begin(self) -> Program:
        """Wait until the workers serve."""
        assert self.process.stdout is not None
        said = b""
        while not said.endswith(b"\n"):
            data = await self.process.stdout.receive_some(1)
            assert data, self.lines
            said += data
        self.port = int(re.fullmatch(r"Listening on https?://\S+:(\d+)\n", said.decode())[1])  # type: ignore[index]
        return self

    # processes

    def workers(self) -> list[int]:
        """Return the ids of the processes of the workers, in the order of their start."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = {
            int(pid) for path in children.parent.parent.glob("*/children") for pid in path.read_text().split()
        }
        return sorted(found)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def end(self) -> tuple[int, str]:
        """Wait for the end: the status, and what was written to standard output after the first line."""
        assert self.process.stdout is not None
        out = b"".join([chunk async for chunk in self.process.stdout])
        return await self.process.wait(), out.decode()

    # clients

    async def stream(self) -> trio.SocketStream:
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        self.streams.append(stream)
        return stream

    async def http(self) -> HttpClient:
        return HttpClient(await self.stream())

    async def session(self) -> SioClient:
        socket = WebSocket(await self.stream())
        return await SioClient(await socket.open("/socket.io/?EIO=4&transport=websocket")).start()

    async def connect(self) -> SioClient:
        return await (await self.session()).connect()

    async def who(self) -> tuple[int, int]:
        """Connect, and return the process id and the version of the worker."""
        client = await self.connect()
        ((pid, version),) = await client.call("who")
        await trio.aclose_forcefully(client.ws.stream)
        return pid, version

    async def connect_to_each(self, count: int) -> dict[int, SioClient]:
        """Return a client of each of ``count`` workers, by the worker's process id."""
        found: dict[int, SioClient] = {}
        while len(found) < count:
            client = await self.connect()
            ((pid, _),) = await client.call("who")
            if pid in found:
                await trio.aclose_forcefully(client.ws.stream)
            else:
                found[pid] = client
        return found


def is_alive(pid: int) -> bool:
    """Return whether a process runs, zombies aside."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def wait_gone(pid: int) -> None:
    """Wait until a process that is no child of this one has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        await trio.lowlevel.wait_readable(descriptor)
    finally:
        os.close(descriptor)


@asynccontextmanager
async def program(
    tmp_path: Path,
    *arguments: Any,
    app: str = APP,
    begins: bool = True,
    target: str = "app:io",
    prefix: Sequence[str] = (),
) -> AsyncIterator[Program]:
    """Run a program, by the command ``prefix`` if there is one. At the end, it is killed, and with it its workers."""
    (tmp_path / "app.py").write_text(app)
    command = [sys.executable, "-m", "trio_socketio", "serve", target, "--port", "0"]
    with trio.fail_after(SECONDS):
        process = await trio.lowlevel.open_process(
            [*prefix, *command, *map(str, arguments)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        started = Program(process)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(started.read)
            try:
                yield await started.begin() if begins else started
            finally:
                with trio.CancelScope(shield=True):
                    left = started.workers() if process.returncode is None else []
                    process.kill()
                    for pid in left:
                        try:
                            os.kill(pid, signal.SIGKILL)
                        except ProcessLookupError:
                            pass
                    for stream in started.streams:
                        await trio.aclose_forcefully(stream)
                    await process.wait()
                nursery.cancel_scope.cancel()
