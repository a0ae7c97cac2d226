"""Observers of the sessions of an engine."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.peers import Transport, each_transport, open_peer
from trio.testing import wait_all_tasks_blocked

from trio_socketio import EngineObserver, EngineServer, Server
from trio_socketio.serving._observer import Observed


class Notes(EngineObserver):
    """Records each call, with the socket."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []
        self.sockets: set[object] = set()

    def take(self, *but: str) -> list[tuple[Any, ...]]:
        """What was heard, but for some events."""
        seen, self.seen = [note for note in self.seen if note[0] not in but], []
        return seen


def _noting(name: str) -> Any:
    def note(self: Notes, socket: Any, *args: Any) -> None:
        self.sockets.add(socket)
        self.seen.append((name, *args))

    return note


EVENTS = [name for name in vars(EngineObserver) if not name.startswith("_")]
for _name in EVENTS:
    setattr(Notes, _name, _noting(_name))


@pytest.mark.rows("C35")
def test_events_have_the_names_of_node() -> None:
    assert set(EVENTS) == {
        "open", "packet", "packet_create", "data", "heartbeat", "flush", "drain", "upgrading", "upgrade", "close",
    }  # fmt: skip


@pytest.mark.rows("C35")
@each_transport
async def test_messages_and_writes_are_reported(running: Any, transport: Transport) -> None:
    eio = EngineServer()
    eio.observer = notes = Notes()
    eio.on("message", lambda socket, data: socket.send_nowait(data))
    async with running(eio) as net:
        peer = await open_peer(net, transport)
        await wait_all_tasks_blocked()
        seen = notes.take()
        assert seen[0] == ("open",)
        assert notes.sockets == set(eio.clients)
        for message in ("text", b"bytes"):
            await peer.send(message)
            assert await peer.receive() == message
            await wait_all_tasks_blocked()
            assert notes.take() == [
                ("packet", "message", message), ("data", message), ("packet_create", "message", message),
                ("flush",), ("drain",),
            ]  # fmt: skip
        await peer.close()
        await wait_all_tasks_blocked()
        assert notes.take("flush", "drain") == [
            ("close", "transport close", "the client sent a close packet")
        ]
        assert len(notes.sockets) == 1


@pytest.mark.rows("C35")
async def test_drain_is_reported_only_for_the_last_flush(running: Any) -> None:
    eio = EngineServer()
    eio.observer = notes = Notes()
    async with running(eio) as net:
        net.narrow()
        peer = await open_peer(net, "websocket")
        (socket,) = eio.clients
        for _ in range(4):
            socket.send_nowait("x" * 100_000)
        await wait_all_tasks_blocked()
        notes.take()
        assert len([await peer.receive() for _ in range(4)]) == 4
        await wait_all_tasks_blocked()
        seen = notes.take()
        assert seen[-1] == ("drain",)
        assert seen.count(("drain",)) == 1
        assert seen.count(("flush",)) > 1


@pytest.mark.rows("C35", "C20", "C21")
@each_transport
@pytest.mark.parametrize("revision", [3, 4])
async def test_heartbeats_are_reported(
    running: Any, autojump_clock: trio.testing.MockClock, transport: Transport, revision: int
) -> None:
    eio = EngineServer(allow_eio3=True, ping_interval=10, ping_timeout=5)
    eio.observer = notes = Notes()
    beat, kind, answer = ("2", "ping", "3") if revision == 3 else ("3", "pong", "2")
    target = f"/engine.io/?EIO={revision}&transport={transport}"
    async with running(eio) as net:
        ws = http = None
        if transport == "websocket":
            ws = await net.websocket(target)
            assert str(await ws.receive())[0] == "0"
        else:
            http = net.http()
            body = (await http.request("GET", target)).text
            sid = body.split('"sid":"')[1].split('"')[0]
            target += f"&sid={sid}"
        for _ in range(3):
            notes.take()
            payload = f"1:{beat}" if revision == 3 else beat
            if ws is not None:
                if revision == 4:
                    assert await ws.receive() == answer
                await ws.send(beat)
                if revision == 3:
                    assert await ws.receive() == answer
            elif http is not None:
                if revision == 4:
                    assert (await http.request("GET", target)).text == answer
                assert (await http.request("POST", target, payload.encode())).text == "ok"
                if revision == 3:
                    assert (await http.request("GET", target)).text == f"1:{answer}"
            await wait_all_tasks_blocked()
            heard = notes.take("flush", "drain")
            assert heard == [("packet", kind, ""), ("heartbeat",)]
            await trio.sleep(8)
        assert eio.clients_count == 1


@pytest.mark.rows("C35", "C13")
async def test_upgrade_is_reported(running: Any) -> None:
    eio = EngineServer()
    eio.observer = notes = Notes()
    async with running(eio) as net:
        polling = await net.polling()
        ws = await polling.upgrade()
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
        assert notes.take("flush", "drain") == [("open",), ("upgrading",)]
        await ws.send("5")
        await ws.send("4x")
        await wait_all_tasks_blocked()
        assert notes.take("flush", "drain") == [("upgrade",), ("packet", "message", "x"), ("data", "x")]


@pytest.mark.rows("C35")
async def test_engine_below_a_server_is_observed(running: Any) -> None:
    io = Server()
    io.engine.observer = notes = Notes()
    io.on("echo", lambda socket, text: text)
    async with running(io) as net:
        client = await net.connect()
        assert await client.call("echo", "x") == ["x"]
        (socket,) = io.sockets.values()
        assert notes.sockets == {socket.conn}
        messages = [note for note in notes.take("flush", "drain") if note[0] == "data"]
        assert messages == [("data", "0"), ("data", '20["echo", "x"]')]
        socket.disconnect(close=True)
        assert notes.take("flush", "drain")[-1][:2] == ("close", "forced server close")


@pytest.mark.rows("C35")
async def test_exception_of_an_observer_is_logged(running: Any, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(EngineObserver):
        def data(self, socket: object, data: object) -> None:
            raise ValueError("mine")

    eio = EngineServer()
    eio.observer = Broken()
    eio.on("message", lambda socket, data: socket.send_nowait(data))
    async with running(eio) as net:
        peer = await open_peer(net, "websocket")
        await peer.send("x")
        assert await peer.receive() == "x"
    assert "the observer failed in 'data'" in caplog.text
    assert "ValueError: mine" in caplog.text


@pytest.mark.rows("C35")
async def test_sessions_have_no_extra_object_without_an_observer(running: Any) -> None:
    eio = EngineServer()
    async with running(eio) as net:
        await open_peer(net, "websocket")
        (socket,) = eio.clients
        assert socket._session.observer is socket._peer
        assert not socket._session.link.watched
        assert not socket._session.link.report_pongs
        with pytest.raises(RuntimeError, match="set the observer before it starts"):
            eio.observer = Notes()
    eio.observer = Notes()
    async with running(eio) as net:
        await open_peer(net, "websocket")
        (socket,) = eio.clients
        assert isinstance(socket._session.observer, Observed)
    eio.observer = None
    assert eio.observer is None
