"""Clients that poll, upgrade and call, while workers are replaced or killed."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from support.load_clients import LoadClient, wait_for_calls, wait_for_sessions
from support.worker_programs import Program, needs_linux, program

pytestmark = [needs_linux, pytest.mark.rows("I16", "I18"), pytest.mark.programs]

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

#: How many clients there are. In the slow variants, they have the delays of Node's client.
COUNTS = [20, pytest.param(2000, marks=pytest.mark.slow)]

#: How long a client may need for a new session, delays aside, in seconds. That is short on an idle machine; here, all
#: clients share the processors with the server, and perhaps with other tests.
LONGEST_RETURN = 60.0


def handled(tmp_path: Path) -> set[str]:
    """Return the numbers of all calls that a worker has handled."""
    return {number for path in tmp_path.glob("handled-*") for number in path.read_text().split()}


@asynccontextmanager
async def under_load(tmp_path: Path, count: int) -> AsyncIterator[tuple[Program, list[LoadClient]]]:
    """Run a server with workers, and clients each of which has a session."""
    many = count > 100
    async with program(tmp_path, "--workers", 4 if many else 2, app=APP) as running:
        clients = [
            LoadClient(running.port, name, pause=2.0 if many else 0.02, haste=1.0 if many else 20.0)
            for name in range(count)
        ]
        async with trio.open_nursery() as nursery:
            for client in clients:
                nursery.start_soon(client.run)
            await wait_for_calls(clients)
            yield running, clients
            nursery.cancel_scope.cancel()


def longest_return(clients: list[LoadClient]) -> float:
    """Return the longest time that a client was without a session, apart from its delays, in seconds."""
    returns = sorted(time for client in clients for time in client.returns)
    print(
        f"{len(returns)} returns, half of them within {returns[len(returns) // 2]:.3f} s, all in {returns[-1]:.3f} s"
    )
    return returns[-1]


@pytest.mark.parametrize("count", COUNTS)
async def test_rolling_restart_loses_no_acknowledgement_and_refuses_no_client(
    tmp_path: Path, count: int
) -> None:
    async with under_load(tmp_path, count) as (running, clients):
        sessions = [client.sessions for client in clients]
        running.send(signal.SIGHUP)
        await running.log("all workers are replaced")
        await wait_for_sessions(clients, sessions)
    lost = handled(tmp_path).difference(*(client.acknowledged for client in clients))
    assert lost <= {client.last_call for client in clients}  # the test itself has cut these
    assert [error for client in clients for error in client.refused] == []
    assert longest_return(clients) < LONGEST_RETURN


@pytest.mark.parametrize("count", COUNTS)
async def test_clients_of_a_killed_worker_come_back(tmp_path: Path, count: int) -> None:
    """The other workers serve on meanwhile. Each acknowledgement that a client gets belongs to its call."""
    async with under_load(tmp_path, count) as (running, clients):
        for _ in range(1 if count == 20 else 4):
            os.kill(running.workers()[0], signal.SIGKILL)
            await running.log("was ended by SIGKILL")
            await running.log("serves$")
            await wait_for_calls(clients)
    acknowledged = set[str]().union(*(client.acknowledged for client in clients))
    assert acknowledged <= handled(tmp_path)
    assert longest_return(clients) < LONGEST_RETURN
