"""Runs real Redis servers for tests: on a free port, without persistence.

The environment variable ``REDIS_SERVER`` names another program, such as ``valkey-server``.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hiredis

from tools import require_tool

__all__ = ["RedisServer", "Sentinel", "free_port", "redis_server"]

PROGRAMS = "redis-server", "valkey-server"
DEBIAN = "redis-server"
ATTEMPTS = 5


class RedisServer:
    """A server of Redis, as a child process.

    Args:
        folder: where it keeps its files.
        *options: its options, such as ``--requirepass secret``.
        port: its port; None: a free one.
        host: the address on which it listens.

    Attributes:
        port: its port.
        host: its address.
        options: its options.
    """

    ready = "eady to accept connections"

    def __init__(self, folder: Path, *options: str, port: int | None = None, host: str = "127.0.0.1") -> None:
        self.folder, self.options, self.host = folder, options, host
        self._program = os.environ.get("REDIS_SERVER") or require_tool(*PROGRAMS, debian=DEBIAN)
        self.port = 0
        self._process: subprocess.Popen[str] | None = None
        self.start(port)

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}"

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    def start(self, port: int | None = None) -> None:
        """Start it, and wait until it accepts connections. The free port may be taken meanwhile: then try another."""
        for _ in range(ATTEMPTS):
            self.port = port or free_port()
            self._process = subprocess.Popen(
                [self._program, *self._arguments()],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            if self.wait_for(self.ready):
                return
            self.kill()
        raise AssertionError("redis-server does not start")

    def _arguments(self) -> list[str]:
        return [
            *("--port", str(self.port), "--bind", self.host, "--dir", str(self.folder)),
            *("--save", "", "--appendonly", "no"),
            *self.options,
        ]

    def wait_for(self, text: str) -> bool:
        """Read its log until a line contains a text; returns whether there is one. It blocks the thread."""
        assert self._process is not None and self._process.stdout is not None
        return any(text in line for line in self._process.stdout)

    def command(self, *words: str | bytes) -> Any:
        """Execute a command on a connection of its own, and return the reply."""
        with socket.create_connection(self.address, timeout=10) as connection:
            connection.sendall(hiredis.pack_command(words))
            reader = hiredis.Reader()
            while (reply := reader.gets()) is False:
                data = connection.recv(65536)
                assert data, "redis-server has closed the connection"
                reader.feed(data)
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply

    def freeze(self) -> None:
        """Stop the process. The kernel still accepts connections and bytes for it."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End the process at once, also if it is frozen."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


class Sentinel(RedisServer):
    """A Sentinel that watches a server under the name ``main``. It alone decides about a failover.

    Args:
        folder: where it keeps its files.
        master: the server.
    """

    ready = "+monitor master main"

    def __init__(self, folder: Path, master: RedisServer) -> None:
        self._master = master.port
        super().__init__(folder)

    def _arguments(self) -> list[str]:
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {self.folder}",
            f"sentinel monitor main 127.0.0.1 {self._master} 1",
            "sentinel down-after-milliseconds main 300",
        ]
        configuration = self.folder / "sentinel.conf"
        configuration.write_text("\n".join(lines) + "\n", "utf-8")
        return [str(configuration), "--sentinel"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[RedisServer]:
    """Run a server while the block runs."""
    server = RedisServer(folder, *options)
    try:
        yield server
    finally:
        server.kill()
