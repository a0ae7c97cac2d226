"""Clients with blocking sockets, for a server in another process."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from support.raw import upgrade
from support.wire import client_frame

__all__ = ["HeldClient", "HeldServer", "Kind"]

#: How a client answers a ping: over its WebSocket, or by POST on an open connection or on a new one.
Kind = Literal["websocket", "open", "new"]

#: A timeout in seconds, longer than any operation here, even if eight tests share two processors.
LONG = 30.0


class HeldServer:
    """A server process, which can be stopped and continued by signals."""

    def __init__(self, process: subprocess.Popen[str], context: ssl.SSLContext | None) -> None:
        self._process = process
        self._context = context
        self.port = int(self.said())

    @classmethod
    @contextmanager
    def run(cls, context: ssl.SSLContext | None = None, **options: Any) -> Iterator[HeldServer]:
        script = Path(__file__).with_name("held_server.py")
        command = [sys.executable, str(script), json.dumps(options)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield cls(process, context)
            finally:
                process.kill()

    def said(self) -> str:
        """Read the next line of the output of the server."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def hold(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def connect(self, receive_buffer: int = 0) -> socket.socket:
        """Open a connection. With a small receive buffer, the server soon has to wait until the client reads."""
        plain = self.connect_plain(receive_buffer)
        if self._context is None:
            return plain
        return self._context.wrap_socket(plain, server_hostname="localhost")

    def connect_plain(self, receive_buffer: int = 0) -> socket.socket:
        """Open a connection without TLS."""
        plain = socket.socket()
        plain.settimeout(LONG)
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.connect(("127.0.0.1", self.port))
        return plain


class HeldClient:
    """A minimal client of Engine.IO, which opens a session and answers pings.

    Args:
        server: the server.
        kind: how the client answers pings.
        revision: the revision of Engine.IO. In revision 3, the client sends the pings.
        receive_buffer: as in ``HeldServer.connect``.
    """

    def __init__(self, server: HeldServer, kind: Kind, revision: int = 4, receive_buffer: int = 0) -> None:
        self._server = server
        self.kind = kind
        self.revision = revision
        self.stream = server.connect(receive_buffer)
        self._received = b""
        transport = "websocket" if kind == "websocket" else "polling"
        self._target = f"/socket.io/?EIO={revision}&transport={transport}"
        if kind == "websocket":
            self.stream.sendall(upgrade(self._target))
            self.read_until(b"maxPayload")
        else:
            self._posts = server.connect()
            sid = self._request(self.stream, b"GET").partition(b'"sid":"')[2].partition(b'"')[0]
            self._target += f"&sid={sid.decode()}"

    def close(self) -> None:
        self.stream.close()
        if self.kind != "websocket":
            self._posts.close()

    def read_until(self, end: bytes) -> bytes:
        """Read up to ``end``, and return the last bytes before it. Bytes after it are left for the next call.

        Raises:
            ConnectionError: the server has closed the connection.
        """
        while end not in self._received:
            data = self.stream.recv(65536)
            if not data:
                raise ConnectionError(self._received[-100:])
            self._received = self._received[-len(end) :] + data
        before, _, self._received = self._received.partition(end)
        return before

    def wait_for_ping(self) -> None:
        """Wait for a ping of the server. Return at once in revision 3, where the server sends none."""
        if self.kind == "websocket" and self.revision == 4:
            self.read_until(b"\x81\x012")
        elif self.revision == 4:
            while not self._request(self.stream, b"GET").endswith(b"2"):
                pass

    def answer(self) -> None:
        """Send a pong; in revision 3, send a ping."""
        self.send("3" if self.revision == 4 else "2")

    def check(self) -> None:
        """Check that the session is open.

        Raises:
            ConnectionError: the session has ended.
        """
        self.answer()
        if self.kind == "websocket":
            self.stream.sendall(client_frame(9, b"alive"))
            self.read_until(b"\x8a\x05alive")

    def join(self) -> None:
        """Join the main namespace. In revision 3, the server does this without a CONNECT."""
        if self.revision == 4:
            self.send("40")
        if self.kind == "websocket":
            self.read_until(b"40{" if self.revision == 4 else b"40")
        else:
            self._request(self.stream, b"GET")

    def read_slowly(self, end: bytes, size: int, every: float) -> None:
        """Read up to ``end`` in pieces of ``size`` bytes, with a pause of ``every`` seconds after each piece.

        On polling, send a GET request first. ``end`` is then the end of the body.
        """
        if self.kind != "websocket":
            self.stream.sendall(self._head(b"GET"))
        received = b""
        while end not in received:
            data = self.stream.recv(size)
            if not data:
                raise ConnectionError(received)
            received = received[-len(end) :] + data
            time.sleep(every)

    def send(self, packet: str) -> None:
        if self.kind == "websocket":
            self.stream.sendall(client_frame(1, packet.encode()))
            return
        if self.kind == "new":
            self._posts.close()
            self._posts = self._server.connect()
        body = packet if self.revision == 4 else f"{len(packet)}:{packet}"
        if self._request(self._posts, b"POST", body.encode()) != b"ok":
            raise ConnectionError("the session is unknown")

    def _request(self, stream: socket.socket, method: bytes, body: bytes = b"") -> bytes:
        stream.sendall(self._head(method, len(body)) + body)
        received = b""
        while True:
            data = stream.recv(65536)
            if not data:
                raise ConnectionError(received)
            received += data
            head, found, content = received.partition(b"\r\n\r\n")
            if found and len(content) == int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]):
                return content

    def _head(self, method: bytes, size: int = 0) -> bytes:
        head = b"%s %s HTTP/1.1\r\nHost: test\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n\r\n"
        return head % (method, self._target.encode(), size)
