"""A middleware or connection handler that returns False admits the client, and is named in the log once."""

from __future__ import annotations

from typing import Any

import pytest
from support.logs import warnings
from support.peers import open_peer
from trio.testing import wait_all_tasks_blocked

from trio_socketio import EngineServer, EngineSocket, Server, Socket

pytestmark = pytest.mark.rows("P33")


@pytest.mark.parametrize("where", ["use", "connection"])
@pytest.mark.parametrize("kind", ["async", "plain"])
async def test_client_is_admitted_and_the_log_names_connect_refused(
    running: Any, caplog: pytest.LogCaptureFixture, where: str, kind: str
) -> None:
    io = Server()

    async def decide(socket: Socket) -> bool:
        return False

    def decide_plainly(socket: Socket) -> bool:
        return False

    function = decide if kind == "async" else decide_plainly
    if where == "use":
        io.use(function)
    else:
        io.on("connection", function)
    async with running(io) as net:
        for _ in range(3):
            await net.connect()
        await wait_all_tasks_blocked()
    (warning,) = warnings(caplog)
    assert function.__qualname__ in warning
    assert "returned False" in warning
    assert "ConnectRefused" in warning


@pytest.mark.parametrize("value", [None, True, 0, ""])
async def test_other_return_values_are_not_logged(
    running: Any, caplog: pytest.LogCaptureFixture, value: object
) -> None:
    io = Server()
    io.use(lambda socket: value)
    io.on("connection", lambda socket: value)
    io.on("ask", lambda socket: False)
    async with running(io) as net:
        assert await (await net.connect()).call("ask") == [False]
    assert warnings(caplog) == []


@pytest.mark.parametrize("kind", ["async", "plain"])
async def test_connection_handler_of_an_engine_that_returns_false_is_logged(
    running: Any, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    eio = EngineServer()

    async def decide(socket: EngineSocket) -> bool:
        return False

    def decide_plainly(socket: EngineSocket) -> bool:
        return False

    eio.on("connection", decide if kind == "async" else decide_plainly)
    async with running(eio) as net:
        for _ in range(2):
            await open_peer(net, "websocket")
        await wait_all_tasks_blocked()
    (warning,) = warnings(caplog)
    assert "Forbidden in allow_request" in warning
