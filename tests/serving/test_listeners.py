"""The listeners for the events of one session."""

from __future__ import annotations

import weakref
from typing import Any

import pytest
from support.engine import Bench
from support.leftovers import no_collector
from support.message_host import MessageHost
from support.peers import Transport, each_transport, open_peer
from trio.testing import wait_all_tasks_blocked

from trio_socketio import DisconnectReason, EngineServer
from trio_socketio.engineio import Session
from trio_socketio.serving._listeners import Listeners

#: A message that no narrow connection takes as a whole.
IN_FLIGHT = "x" * 20_000


class SlowHost(MessageHost):
    """A host that does not send by itself. The test calls ``MessageHost.wake``."""

    def wake(self) -> None:
        pass


def open_session(bench: Bench, host: type[MessageHost] = MessageHost) -> tuple[Session, MessageHost]:
    opened = bench.websocket(host=host)
    (session,) = bench.engine.sessions.values()
    return session, opened


def test_listeners_are_called_in_the_order_of_registration() -> None:
    session, _ = open_session(Bench())
    listeners = Listeners(session)
    log: list[Any] = []
    listeners.add("upgrade", lambda: log.append("first"))
    listeners.add("close", lambda *args: log.append(args))
    listeners.add("upgrade", lambda: log.append("second"))
    listeners.call("upgrade")
    assert log == ["first", "second"]


def test_event_without_listeners_is_ignored() -> None:
    session, _ = open_session(Bench())
    Listeners(session).call("upgrade")


def test_exception_of_a_listener_is_logged_and_the_next_is_called(caplog: pytest.LogCaptureFixture) -> None:
    session, _ = open_session(Bench())
    listeners = Listeners(session)
    log: list[str] = []

    def fail() -> None:
        raise ValueError("mine")

    listeners.add("upgrade", fail)
    listeners.add("upgrade", lambda: log.append("next"))
    listeners.call("upgrade")
    assert log == ["next"]
    assert "a listener for 'upgrade' failed" in caplog.text
    assert "ValueError: mine" in caplog.text


def test_drain_listener_is_called_only_when_all_is_written() -> None:
    bench = Bench()
    session, host = open_session(bench, SlowHost)
    MessageHost.wake(host)
    listeners = Listeners(session)
    log: list[str] = []
    listeners.add("drain", lambda: log.append("drained"))
    bench.send(session, "text")
    listeners.written()
    assert log == []
    MessageHost.wake(host)
    listeners.written()
    assert log == ["drained"]


def test_link_is_watched_only_for_drain_listeners() -> None:
    session, _ = open_session(Bench())
    listeners = Listeners(session)
    listeners.add("close", print)
    assert not session.link.watched
    listeners.add("drain", print)
    assert session.link.watched


def test_close_listeners_are_called_once_and_no_listener_after_them() -> None:
    session, _ = open_session(Bench())
    listeners = Listeners(session)
    log: list[Any] = []
    listeners.add("close", lambda *args: log.append(args))
    listeners.add("upgrade", lambda: log.append("upgrade"))
    for _ in range(2):
        listeners.ended(DisconnectReason.TRANSPORT_CLOSE, "closed")
    listeners.call("upgrade")
    assert log == [("transport close", "closed")]


def test_cleared_listeners_are_freed_without_the_collector() -> None:
    session, _ = open_session(Bench())
    listeners = Listeners(session)

    def listener() -> object:
        return listeners

    listeners.add("close", listener)
    freed = weakref.ref(listener)
    del listener
    with no_collector():
        listeners.clear()
        assert freed() is None


@pytest.mark.rows("A12", "C38")
@each_transport
async def test_drain_listener_of_a_socket_is_called_when_all_is_written(
    running: Any, transport: Transport
) -> None:
    eio = EngineServer()
    async with running(eio) as net:
        net.narrow()
        peer = await open_peer(net, transport)
        (socket,) = eio.clients
        drained: list[str] = []
        socket.on("drain", lambda: drained.append("drained"))
        await wait_all_tasks_blocked()
        del drained[:]  # of the handshake
        for _ in range(2):
            socket.send_nowait(IN_FLIGHT)
            await wait_all_tasks_blocked()
            assert drained == []
            socket.send_nowait("last")
            assert [await peer.receive(), await peer.receive()] == [IN_FLIGHT, "last"]
            await wait_all_tasks_blocked()
            assert drained == ["drained"]
            del drained[:]
        await peer.close()
        await wait_all_tasks_blocked()
        assert drained == []


@pytest.mark.rows("A12")
async def test_failing_drain_listener_is_logged(running: Any, caplog: pytest.LogCaptureFixture) -> None:
    eio = EngineServer()
    async with running(eio) as net:
        peer = await open_peer(net, "websocket")
        (socket,) = eio.clients

        def fail() -> None:
            raise ValueError("mine")

        socket.on("drain", fail)
        await socket.send("x")
        await socket.flush()
        assert await peer.receive() == "x"
        assert socket.connected
    assert "ValueError: mine" in caplog.text
