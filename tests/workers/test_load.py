"""Clients that poll, upgrade and call without pause, while workers are replaced or killed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import trio
from support.wire import HttpClient, WebSocket
from support.worker_programs import Program, needs_linux, program
from wsproto.events import CloseConnection
from wsproto.utilities import LocalProtocolError

pytestmark = [needs_linux, pytest.mark.rows("I16", "I18")]

APP = """
import os
from trio_socketio import Server, Socket

io = Server(disconnect_timeout=2)
handled = os.open(f"handled-{os.getpid()}", os.O_CREAT | os.O_APPEND | os.O_WRONLY)


@io.on("add")
async def add(socket: Socket, number: str) -> str:
    os.write(handled, f"{number} ".encode())
    return number
"""

POLLING = "/socket.io/?EIO=4&transport=polling"


class Ended(Exception):
    """The session has ended."""


ENDS = (Ended, EOFError, OSError, trio.BrokenResourceError)


class Client:
    """A client that connects again each time that its session ends.

    Attributes:
        acknowledged: the numbers of the calls that were answered.
        sessions: how many sessions it has opened.
        refused: why it got no session, for each time.
        answered: set when the next call is answered.
    """

    def __init__(self, running: Program, name: int, turns: trio.CapacityLimiter) -> None:
        self.acknowledged: set[str] = set()
        self.sessions = 0
        self.refused: list[object] = []
        self.answered = trio.Event()
        self._running = running
        self._name = name
        self._turns = turns
        self._calls = 0
        self._streams: list[trio.abc.Stream] = []

    async def run(self) -> None:
        while True:
            try:
                await self._session()
            except (*ENDS, LocalProtocolError):  # the last: the close frame came with the answer
                pass
            finally:
                with trio.CancelScope(shield=True):
                    for stream in self._streams:
                        await trio.aclose_forcefully(stream)
                self._streams.clear()

    async def _stream(self) -> trio.SocketStream:
        stream = await trio.open_tcp_stream("127.0.0.1", self._running.port)
        self._streams.append(stream)
        return stream

    async def _request(self, method: str, query: str = "", body: bytes = b"") -> str:
        """Send a request on a connection of its own."""
        stream = await self._stream()
        response = await HttpClient(stream).request(method, POLLING + query, body)
        await trio.aclose_forcefully(stream)
        self._streams.remove(stream)
        if response.status != 200:
            raise Ended(response)
        return response.text

    async def _session(self) -> None:
        async with self._turns:
            ws = await self._open()
        while True:
            async with self._turns:
                await self._call(ws)

    async def _open(self) -> WebSocket:
        try:
            opened = await self._request("GET")
        except ENDS as error:
            self.refused.append(error)
            raise
        sid = json.loads(opened[1:])["sid"]
        await self._request("POST", f"&sid={sid}", b"40")
        if not (await self._request("GET", f"&sid={sid}")).startswith("40"):
            raise Ended
        ws = WebSocket(await self._stream())
        await ws.open(f"/socket.io/?EIO=4&transport=websocket&sid={sid}")
        await ws.send("2probe")
        if await self._receive(ws) != "3probe":
            raise Ended
        await ws.send("5")
        self.sessions += 1
        return ws

    async def _call(self, ws: WebSocket) -> None:
        self._calls += 1
        number = self.last_call
        await ws.send(f'420["add","{number}"]')
        while (message := await self._receive(ws)) == "2":
            await ws.send("3")
        assert message == f'430["{number}"]'
        self.acknowledged.add(number)
        self.answered.set()
        self.answered = trio.Event()

    @property
    def last_call(self) -> str:
        return f"{self._name}.{self._calls}"

    async def _receive(self, ws: WebSocket) -> Any:
        message = await ws.receive()
        if isinstance(message, CloseConnection):
            assert message.code in (1001, 1006), message
            raise Ended(message)
        return message


async def wait_for_sessions(clients: list[Client], counts: list[int]) -> None:
    """Wait until each client has a new session, and a call of it was answered."""
    for client, count in zip(clients, counts, strict=True):
        known = len(client.acknowledged)
        while client.sessions <= count or len(client.acknowledged) <= known:
            await client.answered.wait()


async def wait_for_calls(clients: list[Client]) -> None:
    """Wait until one more call of each client was answered."""
    await wait_for_sessions(clients, [-1] * len(clients))


def handled(tmp_path: Path) -> set[str]:
    """Return the numbers of all calls that a worker has handled."""
    return {number for path in tmp_path.glob("handled-*") for number in path.read_text().split()}


@pytest.mark.parametrize("count", [20, pytest.param(2000, marks=pytest.mark.slow)])
async def test_rolling_restart_loses_no_acknowledgement_and_refuses_no_client(
    tmp_path: Path, count: int
) -> None:
    workers = 2 if count == 20 else 4
    async with program(tmp_path, "--workers", workers, app=APP) as running:
        turns = trio.CapacityLimiter(50)  # the clients and the workers share the processors
        clients = [Client(running, name, turns) for name in range(count)]
        async with trio.open_nursery() as nursery:
            for client in clients:
                nursery.start_soon(client.run)
            await wait_for_calls(clients)
            sessions = [client.sessions for client in clients]
            running.send(signal.SIGHUP)
            await running.log("all workers are replaced")
            await wait_for_sessions(clients, sessions)
            nursery.cancel_scope.cancel()
        lost = handled(tmp_path).difference(*(client.acknowledged for client in clients))
        assert lost <= {client.last_call for client in clients}  # the test itself has cut these
        assert [client.refused for client in clients] == [[]] * count


@pytest.mark.parametrize("count", [20, pytest.param(2000, marks=pytest.mark.slow)])
async def test_clients_of_a_killed_worker_come_back(tmp_path: Path, count: int) -> None:
    """The other workers serve on meanwhile. Each acknowledgement that a client gets belongs to its call."""
    workers = 2 if count == 20 else 4
    async with program(tmp_path, "--workers", workers, app=APP) as running:
        turns = trio.CapacityLimiter(50)  # the clients and the workers share the processors
        clients = [Client(running, name, turns) for name in range(count)]
        async with trio.open_nursery() as nursery:
            for client in clients:
                nursery.start_soon(client.run)
            for _ in range(1 if count == 20 else workers):
                await wait_for_calls(clients)
                os.kill(running.workers()[0], signal.SIGKILL)
                await running.log("was ended by SIGKILL")
                await running.log("serves$")
                await wait_for_calls(clients)
            nursery.cancel_scope.cancel()
        acknowledged = set[str]().union(*(client.acknowledged for client in clients))
        assert acknowledged <= handled(tmp_path)
