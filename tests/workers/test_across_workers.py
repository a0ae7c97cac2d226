"""Clients of several workers: broadcasts and acknowledgements reach all of them, and requests find their session."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import trio
from support.wire import SioClient, WebSocket
from support.worker_programs import APP, Program, needs_linux, program

pytestmark = [needs_linux, pytest.mark.rows("I15", "I16", "I18"), pytest.mark.programs]


async def test_rooms_and_broadcasts_reach_clients_of_all_workers(tmp_path: Path) -> None:
    async with program(tmp_path, "--workers", 2) as running:
        one, two = (await running.connect_to_each(2)).values()
        outside = await running.connect()
        for client in (one, two):
            assert await client.call("join", "room") == [True]
        await one.emit("say", "room", "hello", ack=1)
        assert sorted([await one.receive(), await one.receive()]) == ['2["said","hello"]', "31[true]"]
        assert await two.event() == ["said", "hello"]
        assert await outside.call("join", "other") == [True]


async def test_acknowledgements_of_all_workers_are_collected(tmp_path: Path) -> None:
    async with program(tmp_path, "--workers", 2) as running:
        clients = await running.connect_to_each(2)
        one, two = clients.values()
        for client in (one, two):
            assert await client.call("join", "room") == [True]
        asking = await running.connect()
        await asking.emit("ask", "room", ack=9)
        for number, client in enumerate((one, two)):
            question = await client.receive()
            assert isinstance(question, str)
            ack = question.removeprefix("2").partition("[")[0]
            await client.send(f"3{ack}[{number}]")
        assert await asking.receive() == "39[[0,1]]"


async def test_fetch_sockets_finds_those_of_all_workers(tmp_path: Path) -> None:
    async with program(tmp_path, "--workers", 2) as running:
        clients = (await running.connect_to_each(2)).values()
        ids = sorted(client.sids["/"] for client in clients)
        for client in clients:
            (found,) = await client.call("count")
            assert set(ids) <= set(found)


async def test_new_worker_joins_the_others(tmp_path: Path) -> None:
    async with program(tmp_path, "--workers", 2) as running:
        killed, _ = running.workers()
        os.kill(killed, signal.SIGKILL)
        await running.log(r"was ended by SIGKILL")
        await running.log(r"worker \d \(pid \d+\) serves$")
        one, two = (await running.connect_to_each(2)).values()
        for client in (one, two):
            assert await client.call("join", "room") == [True]
        await two.emit("say", "room", "hello")
        assert await one.event() == ["said", "hello"]


async def poll(running: Program, sid: str) -> tuple[int, str]:
    """Send a GET on a new connection, which any worker may accept."""
    http = await running.http()
    response = await http.request("GET", f"/socket.io/?EIO=4&transport=polling&sid={sid}")
    await trio.aclose_forcefully(http.stream)
    return response.status, response.text


async def post(running: Program, sid: str, payload: str) -> str:
    """Send a POST on a new connection, which any worker may accept."""
    http = await running.http()
    response = await http.request("POST", f"/socket.io/?EIO=4&transport=polling&sid={sid}", payload.encode())
    await trio.aclose_forcefully(http.stream)
    return response.text


async def open_polling(running: Program) -> str:
    http = await running.http()
    response = await http.request("GET", "/socket.io/?EIO=4&transport=polling")
    await trio.aclose_forcefully(http.stream)
    return str(response.text.partition('"sid":"')[2].partition('"')[0])


async def test_polling_finds_its_session_on_each_new_connection(tmp_path: Path) -> None:
    async with program(tmp_path, "--workers", 2) as running:
        for _ in range(3):
            sid = await open_polling(running)
            assert await post(running, sid, "40") == "ok"
            assert (await poll(running, sid))[1].startswith('40{"sid"')
            for number in range(8):
                assert await post(running, sid, f'42{number}["join","room"]') == "ok"
                assert await poll(running, sid) == (200, f"43{number}[true]")


async def test_polling_session_can_upgrade_through_any_worker(tmp_path: Path) -> None:
    async with program(tmp_path, "--workers", 2) as running:
        for _ in range(5):
            sid = await open_polling(running)
            assert await post(running, sid, "40") == "ok"
            assert (await poll(running, sid))[1].startswith('40{"sid"')
            socket = await WebSocket(await running.stream()).open(
                f"/socket.io/?EIO=4&transport=websocket&sid={sid}"
            )
            await socket.send("2probe")
            assert await socket.receive() == "3probe"
            await socket.send("5")
            client = SioClient(socket)
            assert await client.call("join", "room") == [True]


@pytest.mark.slow
async def test_session_of_a_worker_that_has_ended_is_unknown(tmp_path: Path) -> None:
    async with program(tmp_path, "--workers", 2) as running:
        sids = [await open_polling(running) for _ in range(8)]
        for pid in running.workers():
            os.kill(pid, signal.SIGKILL)
        await running.log("was ended by SIGKILL")
        for _ in range(2):
            await running.log("serves$")
        for sid in sids:
            status, text = await poll(running, sid)
            assert (status, text) == (400, '{"code":1,"message":"Session ID unknown"}')


@pytest.mark.slow
async def test_polling_session_goes_on_while_other_workers_are_replaced(tmp_path: Path) -> None:
    """Slot 1 is replaced last. Its sessions are served until then, also over connections to new workers."""
    app = APP.replace('return "done"', "return str(os.getpid())")
    async with program(tmp_path, "--workers", 2, app=app) as running:
        sids = [await open_polling(running) for _ in range(6)]
        for sid in sids:
            assert await post(running, sid, "40") == "ok"
            assert (await poll(running, sid))[1].startswith('40{"sid"')
        running.send(signal.SIGHUP)
        await running.log("serves$")
        ended = 0
        for number in range(40):
            sid = sids[number % 6]
            if await post(running, sid, '420["join","room"]') == "ok":
                status, text = await poll(running, sid)
                assert (status, text) in {
                    (200, "430[true]"),
                    (200, "1"),
                    (400, '{"code":1,"message":"Session ID unknown"}'),
                }
            else:
                ended += 1
        await running.log("all workers are replaced")
        assert [(await poll(running, sid))[0] for sid in sids] == [400] * 6


async def test_engine_server_needs_no_sticky_proxy_either(tmp_path: Path) -> None:
    app = """
from trio_socketio import EngineServer
io = EngineServer(path="/socket.io/")

@io.on("message")
async def message(socket, message):
    await socket.send(message)
"""
    async with program(tmp_path, "--workers", 2, app=app) as running:
        for _ in range(4):
            sid = await open_polling(running)
            assert await post(running, sid, "4hello") == "ok"
            assert await poll(running, sid) == (200, "4hello")


@pytest.mark.slow
async def test_adapter_of_the_application_is_kept(tmp_path: Path) -> None:
    app = APP.replace("Server(", "Server(adapter=Own, ", 1).replace(
        "io = ", "from trio_socketio.adapters import LocalAdapter\nclass Own(LocalAdapter): pass\nio = ", 1
    )
    async with program(tmp_path, "--workers", 2, app=app) as running:
        one, two = (await running.connect_to_each(2)).values()
        for client in (one, two):
            (found,) = await client.call("count")
            assert client.sids["/"] in found
        assert one.sids["/"] not in (await two.call("count"))[0]
        sid = await open_polling(running)
        for _ in range(6):
            assert await post(running, sid, "3") == "ok"
