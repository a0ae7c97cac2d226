"""One session of an Engine.IO server, as the observer of its session."""

from __future__ import annotations

import weakref
from typing import Any

import pytest
import trio
from support.leftovers import no_collector
from support.peers import Transport, each_transport, only_one, open_peer
from trio.testing import wait_all_tasks_blocked

from trio_socketio import EngineObserver, EngineServer, EngineSocket


@pytest.mark.rows("A12")
@each_transport
@pytest.mark.parametrize("is_async", [False, True])
async def test_handlers_of_the_server_run_before_those_of_the_socket(
    running: Any, transport: Transport, is_async: bool
) -> None:
    eio = EngineServer()
    log: list[Any] = []

    def noting(what: str) -> Any:
        def note(*args: object) -> None:
            log.append((what, *args))

        async def note_later(*args: object) -> None:
            await trio.lowlevel.checkpoint()
            note(*args)

        return note_later if is_async else note

    @eio.on("connection")
    def connection(socket: EngineSocket) -> None:
        socket.on("message", noting("own"))
        socket.on("close")(noting("own close"))

    eio.on("message", noting("message"))
    eio.on("close", noting("close"))
    async with running(eio) as net:
        peer = await open_peer(net, transport)
        socket = only_one(eio)
        await peer.send("a", b"b")
        await wait_all_tasks_blocked()
        expected: list[Any] = [
            ("message", socket, "a"),
            ("own", "a"),
            ("message", socket, b"b"),
            ("own", b"b"),
        ]
        assert log == expected
        await peer.close()
        await wait_all_tasks_blocked()
        why = ("transport close", "the client sent a close packet")
        assert log[4:] == [("close", socket, *why), ("own close", *why)]


@pytest.mark.rows("A12", "C35")
@each_transport
async def test_closed_socket_with_an_observer_is_freed_without_the_collector(
    running: Any, transport: Transport
) -> None:
    eio = EngineServer()
    eio.observer = EngineObserver()
    async with running(eio) as net:
        with no_collector():
            peer = await open_peer(net, transport)
            socket = weakref.ref(eio.clients[0])
            await peer.send("x")
            await wait_all_tasks_blocked()
            await peer.close()
            await wait_all_tasks_blocked()
            assert socket() is None
