"""From polling to WebSocket on the wire."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.raw import exchange, read_until, status, upgrade
from support.wire import client_frame
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import Server


def _echo() -> Server:
    io = Server()

    @io.on("echo")
    async def echo(socket: Any, text: str) -> str:
        return text

    return io


@pytest.mark.rows("C13", "C37", "P40")
async def test_upgrade_moves_a_session_to_websocket(autojump_clock: Any, running: Any) -> None:
    io = _echo()
    names: list[str] = []

    @io.on("connection")
    def connection(socket: Any) -> None:
        names.append(socket.transport)
        socket.conn.on("upgrade", lambda: names.append(socket.transport))

    async with running(io) as wire, trio.open_nursery() as nursery:
        polling = await (await wire.polling()).connect()
        polled: list[str] = []
        released = trio.Event()

        async def poll() -> None:
            polled.append((await polling.get()).text)
            released.set()

        nursery.start_soon(poll)
        ws = await polling.upgrade()
        began = trio.current_time()
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
        await released.wait()
        assert polled == ["6"]
        assert trio.current_time() == began
        await ws.send("5")
        await ws.send('421["echo","x"]')
        assert await ws.receive() == '431["x"]'
        assert names == ["polling", "websocket"]


@pytest.mark.rows("C13")
async def test_upgrade_in_one_segment_succeeds(autojump_clock: Any, running: Any) -> None:
    async with running(_echo()) as wire:
        polling = await (await wire.polling()).connect()
        stream = wire.stream()
        await stream.send_all(
            upgrade(f"/socket.io/?EIO=4&transport=websocket&sid={polling.sid}")
            + client_frame(1, b"2probe") + client_frame(1, b"5") + client_frame(1, b'421["echo","x"]')
        )  # fmt: skip
        await read_until(stream, b'431["x"]')  # the answer to the probe may be left out: nobody waits for it


@pytest.mark.rows("C13")
async def test_emitted_during_the_upgrade_arrives_once_and_in_order(
    autojump_clock: Any, running: Any
) -> None:
    io = Server()
    async with running(io) as wire, trio.open_nursery() as nursery:
        polling = await (await wire.polling()).connect()
        (socket,) = io.sockets.values()
        sent = 0

        async def emit() -> None:
            nonlocal sent
            while sent < 200:
                await socket.emit("n", sent, bytes([sent]))
                sent += 1
                await trio.sleep(0.01)

        nursery.start_soon(emit)
        packets: list[Any] = []
        ws = await polling.upgrade()
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
        for _ in range(20):
            packets += [p for p in (await polling.get()).text.split("\x1e") if p != "6"]
        await ws.send("5")
        while len(packets) < 400:
            packet = await ws.receive()
            assert isinstance(packet, str | bytes)
            packets.append(packet)
        heads, binaries = packets[0::2], packets[1::2]
        assert heads == [f'451-["n",{n},{{"_placeholder":true,"num":0}}]' for n in range(200)]
        assert all(isinstance(binary, bytes) or binary.startswith("b") for binary in binaries)


@pytest.mark.rows("C14")
async def test_silent_candidate_is_closed(autojump_clock: Any, running: Any) -> None:
    async with running(Server(upgrade_timeout=10.0)) as wire:
        polling = await wire.polling()
        ws = await polling.upgrade()
        began = trio.current_time()
        assert isinstance(await ws.receive(), CloseConnection)
        assert trio.current_time() - began == pytest.approx(10.0, abs=0.1)
        polling.posts = wire.http()
        await polling.connect()


@pytest.mark.rows("C13", "C14")
@pytest.mark.parametrize("first", ["4hello", "3probe", "1", b"", "hang up", "close"])
async def test_candidate_that_breaks_the_upgrade_is_closed(
    autojump_clock: Any, running: Any, first: str | bytes
) -> None:
    async with running(Server()) as wire:
        polling = await wire.polling()
        ws = await polling.upgrade()
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
        if first == "hang up":
            await ws.stream.aclose()
        elif first == "close":
            await ws.close()
        else:
            await ws.send(first)
            assert isinstance(await ws.receive(), CloseConnection)
        await wait_all_tasks_blocked()
        await polling.connect()
        ws = await polling.upgrade()
        await ws.send("5")
        await ws.send("40/nowhere,")
        answer = await ws.receive()
        assert isinstance(answer, str)
        assert answer.startswith("44/nowhere,")


@pytest.mark.rows("C15")
async def test_second_candidate_is_closed_and_the_first_completes(autojump_clock: Any, running: Any) -> None:
    async with running(_echo()) as wire:
        polling = await (await wire.polling()).connect()
        first = await polling.upgrade()
        await first.send("2probe")
        assert await first.receive() == "3probe"
        for packets in (
            ["5", '421["echo","x"]'],
            ['421["echo","x"]'],
        ):  # while it probes, and when it is done
            newcomer = await polling.upgrade()
            assert isinstance(await newcomer.receive(), CloseConnection)
            for packet in packets:
                await first.send(packet)
            assert await first.receive() == '431["x"]'


@pytest.mark.rows("C16")
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_polling_request_after_the_upgrade(autojump_clock: Any, running: Any, method: str) -> None:
    async with running(_echo()) as wire:
        polling = await (await wire.polling()).connect()
        ws = await polling.upgrade()
        await ws.send("5")
        await wait_all_tasks_blocked()
        response = await wire.http().request(method, polling.target)
        assert (response.status, response.text) == (400, '{"code":3,"message":"Bad request"}')
        await ws.send('421["echo","x"]')
        assert await ws.receive() == '431["x"]'


@pytest.mark.rows("C12")
async def test_upgrades_switched_off(autojump_clock: Any, running: Any) -> None:
    async with running(Server(allow_upgrades=False)) as wire:
        polling = await wire.polling()
        assert polling.open["upgrades"] == []
        received = await exchange(
            wire.stream(), upgrade(f"/socket.io/?EIO=4&transport=websocket&sid={polling.sid}")
        )
        assert status(received) == 400
        assert received.endswith(b'{"code":3,"message":"Bad request"}')
        await polling.connect()
