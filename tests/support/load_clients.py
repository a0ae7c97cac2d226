"""Cheap clients of a server with workers: they poll, upgrade, call, and reconnect as Node's client does."""

from __future__ import annotations

import json
import random
from collections import deque

import trio

__all__ = ["LoadClient", "wait_for_calls", "wait_for_sessions"]

#: The default delays of Node's client, in seconds: twice as long after each failure, and up to half more or less.
SHORTEST_DELAY, LONGEST_DELAY, RANDOMIZATION = 1.0, 5.0, 0.5

TARGET = "/socket.io/?EIO=4&transport="

UPGRADE = (
    "GET %s HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Ended(Exception):
    """The session has ended, or none was opened."""


ENDS = (Ended, OSError)


class Connection:
    """One TCP connection. Bytes are parsed by hand, because parsers for clients cost more than the server does."""

    def __init__(self, socket: trio.socket.SocketType) -> None:
        self._socket = socket
        self._data = b""
        self._messages: deque[str] = deque()

    @classmethod
    async def open(cls, port: int) -> Connection:
        socket = trio.socket.socket()
        try:
            await socket.connect(("127.0.0.1", port))
        except BaseException:
            socket.close()
            raise
        return cls(socket)

    def close(self) -> None:
        self._socket.close()

    async def _read(self) -> None:
        data = await self._socket.recv(65536)
        if not data:
            raise Ended("end of file")
        self._data += data

    async def _head(self) -> str:
        while b"\r\n\r\n" not in self._data:
            await self._read()
        head, _, self._data = self._data.partition(b"\r\n\r\n")
        return head.decode().lower()

    async def request(self, method: str, target: str, body: str = "") -> str:
        """Send a request, and return the body of the response."""
        head = f"{method} {target} HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n\r\n"
        await self._socket.send((head + body).encode())
        answer = await self._head()
        length = int(answer.partition("content-length: ")[2].partition("\r\n")[0])
        while len(self._data) < length:
            await self._read()
        if not answer.startswith("http/1.1 200"):
            raise Ended(answer, self._data)
        return self._data.decode()

    async def upgrade(self, target: str) -> None:
        await self._socket.send((UPGRADE % target).encode())
        answer = await self._head()
        if not answer.startswith("http/1.1 101"):
            raise Ended(answer, self._data)

    async def send(self, message: str) -> None:
        """Send a short message, masked with zeros."""
        await self._socket.send(bytes((0x81, 0x80 | len(message), 0, 0, 0, 0)) + message.encode())

    async def receive(self) -> str:
        """Return the next short message."""
        while True:
            while len(self._data) < 2 or len(self._data) < 2 + self._data[1]:
                await self._read()
            kind, end = self._data[0], 2 + self._data[1]
            content, self._data = self._data[2:end], self._data[end:]
            if kind == 0x81:
                return content.decode()
            assert kind == 0x88, (kind, content)
            assert content[:2] == (1001).to_bytes(2, "big"), content
            raise Ended("closed")


class LoadClient:
    """A client that connects again, after a delay, each time that its session ends.

    Args:
        port: where the server listens.
        name: a number that no other client has.
        pause: how long it waits between calls, in seconds, half more or less.
        haste: by which factor its delays are shorter than those of Node's client.

    Attributes:
        acknowledged: the numbers of the calls that were answered.
        sessions: how many sessions it has opened.
        refused: why it got no session, for each failed attempt.
        returns: how long it was without a session, apart from the delays, in seconds; for each time.
        answered: set when the next call is answered.
    """

    def __init__(self, port: int, name: int, *, pause: float = 0.0, haste: float = 1.0) -> None:
        self.acknowledged: set[str] = set()
        self.sessions = 0
        self.refused: list[object] = []
        self.returns: list[float] = []
        self.answered = trio.Event()
        self._port = port
        self._name = name
        self._pause = pause
        self._haste = haste
        self._random = random.Random(name)
        self._calls = 0
        self._failures = 0
        self._lost_at: float | None = None

    @property
    def last_call(self) -> str:
        return f"{self._name}.{self._calls}"

    async def run(self) -> None:
        """Connect and call until cancelled."""
        while True:
            ws = None
            try:
                ws = await self._connect()
                while True:
                    await self._call(ws)
            except ENDS:
                pass
            finally:
                if ws is not None:
                    ws.close()
            await self._reconnect_delay()

    async def _reconnect_delay(self) -> None:
        """Wait as Node's client does before it connects again."""
        if self._lost_at is None:
            self._lost_at = trio.current_time()
        delay = min(SHORTEST_DELAY * 2**self._failures, LONGEST_DELAY) / self._haste
        delay *= 1 + self._random.uniform(-RANDOMIZATION, RANDOMIZATION)
        self._failures += 1
        await trio.sleep(delay)
        self._lost_at += delay

    async def _request(self, method: str, query: str = "", body: str = "") -> str:
        """Send a request on a connection of its own, which any worker may accept."""
        connection = await Connection.open(self._port)
        try:
            return await connection.request(method, f"{TARGET}polling{query}", body)
        finally:
            connection.close()

    async def _connect(self) -> Connection:
        """Open a session by polling, connect to the namespace, and upgrade."""
        try:
            opened = await self._request("GET")
        except ENDS as error:
            self.refused.append(error)
            raise
        self._failures = 0
        sid = json.loads(opened[1:])["sid"]
        await self._request("POST", f"&sid={sid}", "40")
        if not (await self._request("GET", f"&sid={sid}")).startswith("40"):
            raise Ended("not connected")
        ws = await Connection.open(self._port)
        try:
            await ws.upgrade(f"{TARGET}websocket&sid={sid}")
            await ws.send("2probe")
            if await ws.receive() != "3probe":
                raise Ended("no answer to the probe")
            await ws.send("5")
        except BaseException:
            ws.close()
            raise
        self.sessions += 1
        if self._lost_at is not None:
            self.returns.append(trio.current_time() - self._lost_at)
            self._lost_at = None
        return ws

    async def _call(self, ws: Connection) -> None:
        self._calls += 1
        number = self.last_call
        await ws.send(f'420["add","{number}"]')
        while (message := await ws.receive()) == "2":
            await ws.send("3")
        assert message == f'430["{number}"]'
        self.acknowledged.add(number)
        self.answered.set()
        self.answered = trio.Event()
        await trio.sleep(self._pause * self._random.uniform(0.5, 1.5))


async def wait_for_sessions(clients: list[LoadClient], counts: list[int]) -> None:
    """Wait until each client has a new session, and a call of it was answered."""
    known = [len(client.acknowledged) for client in clients]
    for client, count, calls in zip(clients, counts, known, strict=True):
        while client.sessions <= count or len(client.acknowledged) <= calls:
            await client.answered.wait()


async def wait_for_calls(clients: list[LoadClient]) -> None:
    """Wait until one more call of each client was answered."""
    await wait_for_sessions(clients, [-1] * len(clients))
