"""Workers that end, crash or are replaced, with real processes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import trio
from support.wire import HttpClient
from support.worker_programs import APP, Program, is_alive, needs_linux, program, wait_gone
from wsproto.events import CloseConnection

pytestmark = [needs_linux, pytest.mark.rows("I16"), pytest.mark.programs]


async def test_killed_worker_is_started_again(tmp_path: Path) -> None:
    async with program(tmp_path, "--workers", 2) as running:
        killed, other = running.workers()
        os.kill(killed, signal.SIGKILL)
        await running.log(rf"pid {killed}\) was ended by SIGKILL")
        await running.log(r"worker \d \(pid \d+\) serves$")
        assert other in running.workers()
        assert set(await running.connect_to_each(2)) == set(running.workers())
        assert killed not in running.workers()


async def test_connections_to_a_killed_worker_are_taken_by_another_meanwhile(tmp_path: Path) -> None:
    """The successor starts slowly. All connections are served before that."""
    app = APP.replace(
        "import os", "import os, time\nif os.path.exists('slow'):\n    time.sleep(100)\nimport os", 1
    )
    async with program(tmp_path, "--workers", 2, app=app) as running:
        killed, other = running.workers()
        (tmp_path / "slow").touch()
        os.kill(killed, signal.SIGKILL)
        await running.log(rf"pid {other}\) serves the connections of slot")
        for _ in range(20):
            assert (await running.who())[0] == other


async def test_worker_that_crashes_again_and_again_is_started_later_each_time(tmp_path: Path) -> None:
    """The others serve its connections until the code works again."""
    app = APP + "\nif os.path.exists('broken'):\n    os._exit(7)\n"
    async with program(tmp_path, "--workers", 2, app=app) as running:
        killed, other = running.workers()
        (tmp_path / "broken").touch()
        os.kill(killed, signal.SIGKILL)
        for _ in range(2):
            await running.log(
                "slot . has no worker: the process of a worker ended with status 7 before it served"
            )
        assert running.workers()[0] == other
        for _ in range(20):
            assert (await running.who())[0] == other
        (tmp_path / "broken").unlink()
        await running.log(r"worker \d \(pid \d+\) serves$")
        assert len(await running.connect_to_each(2)) == 2


HANDSHAKE = "/socket.io/?EIO=4&transport=polling"


@pytest.mark.parametrize(
    ("number", "workers"),
    [(signal.SIGTERM, 1), pytest.param(signal.SIGINT, 2, marks=pytest.mark.slow)],
    ids=["SIGTERM", "SIGINT"],
)
async def test_worker_that_gets_a_signal_drains_when_its_successor_serves(
    tmp_path: Path, number: signal.Signals, workers: int
) -> None:
    """No request is refused, also not on connections of the former worker. SIGHUP is for the parent alone."""
    app = APP.replace("timeout=10", "timeout=100")
    async with program(tmp_path, "--workers", workers, "--drain-timeout", 100, app=app) as running:
        client = await running.connect()
        ((former, _),) = await client.call("who")
        await client.call("join", "room")
        await client.emit("ask", "room", ack=3)
        question = await client.receive()
        open_connections = [await running.http() for _ in range(4)]
        for http in open_connections:
            assert (await http.request("GET", HANDSHAKE)).status == 200
        os.kill(former, signal.SIGHUP)
        os.kill(former, number)
        await running.log(rf"pid {former}\) has got a signal to stop")
        await running.log(r"worker \d \(pid \d+\) serves$")
        while (await running.who())[0] == former:  # it has accepted this connection before
            pass
        for http in open_connections:
            assert (await http.request("GET", HANDSHAKE)).status == 200
        await client.send(f"3{question[1 : question.index('[')]}[5]")
        assert await client.receive() == "33[[5]]"
        closed = await client.receive()
        assert isinstance(closed, CloseConnection)
        assert closed.code == 1001
        await trio.aclose_forcefully(client.ws.stream)
        await wait_gone(former)


@pytest.mark.slow
async def test_worker_that_gets_a_signal_ends_also_if_the_new_code_does_not_start(tmp_path: Path) -> None:
    async with program(tmp_path) as running:
        (former,) = running.workers()
        (tmp_path / "app.py").write_text("raise LookupError('no settings')")
        os.kill(former, signal.SIGTERM)
        await running.log("slot 0 has no worker: cannot serve app:io: LookupError: no settings")
        await wait_gone(former)
        (tmp_path / "app.py").write_text(APP)
        assert (await running.who())[0] != former  # the connection has waited for the worker


@pytest.mark.slow  # the process has ten seconds
async def test_worker_that_has_ended_is_killed_if_a_thread_keeps_its_process(tmp_path: Path) -> None:
    app = (
        APP
        + """
import threading
threading.Thread(target=threading.Event().wait).start()


@io.on("exit")
def exit_(socket: Socket) -> None:
    raise SystemExit(3)
"""
    )
    async with program(tmp_path, app=app) as running:
        client = await running.connect()
        await client.emit("exit")
        await running.log(r"was ended by SIGKILL")
        await running.log(r"serves$")


# rolling restarts


async def test_sighup_replaces_all_workers_with_new_code(tmp_path: Path) -> None:
    async with program(tmp_path, "--workers", 2) as running:
        former = await running.connect_to_each(2)
        (tmp_path / "app.py").write_text(APP.replace("VERSION = 1", "VERSION = 2"))
        running.send(signal.SIGHUP)
        for client in former.values():
            closed = await client.receive()
            assert isinstance(closed, CloseConnection)
            assert closed.code == 1001
            await trio.aclose_forcefully(client.ws.stream)
        await running.log("all workers are replaced")
        assert not any(is_alive(pid) for pid in former)
        for _ in range(10):
            assert (await running.who())[1] == 2


async def test_a_replaced_worker_finishes_its_handlers(tmp_path: Path) -> None:
    async with program(tmp_path, "--workers", 1) as running:
        client = await running.connect()
        await client.emit("slow", 1.5, ack=3)
        assert await client.event() == ["begun"]
        running.send(signal.SIGHUP)
        assert await client.receive() == '33["done"]'
        assert isinstance(await client.receive(), CloseConnection)
        await trio.aclose_forcefully(client.ws.stream)
        await running.log("all workers are replaced")


async def test_workers_stay_if_the_new_code_does_not_start(tmp_path: Path) -> None:
    async with program(tmp_path, "--workers", 2) as running:
        before = running.workers()
        client = await running.connect()
        (tmp_path / "app.py").write_text("raise LookupError('no settings')")
        running.send(signal.SIGHUP)
        line = await running.log("the new code does not start")
        assert line.endswith(
            "0 of 2 workers were replaced and the others stay: cannot serve app:io: LookupError: no settings"
        )
        assert running.workers() == before
        assert await client.call("join", "room") == [True]
        (tmp_path / "app.py").write_text(APP)
        running.send(signal.SIGHUP)
        while not isinstance(await client.receive(), CloseConnection):
            pass
        await trio.aclose_forcefully(client.ws.stream)
        await running.log("all workers are replaced")


async def test_new_code_that_never_serves_is_given_up(tmp_path: Path) -> None:
    async with program(tmp_path, "--workers", 1, "--start-timeout", 3) as running:
        (before,) = running.workers()
        (tmp_path / "app.py").write_text("import time; time.sleep(1000)")
        running.send(signal.SIGHUP)
        await running.log(r"does not start, .*: worker 0 \(pid \d+\) did not serve within 3 s")
        assert running.workers() == [before]


@pytest.mark.slow  # ``test_load`` has a quicker variant
@pytest.mark.parametrize("workers", [1, 2])
async def test_no_connect_is_refused_during_a_rolling_restart(tmp_path: Path, workers: int) -> None:
    async with program(tmp_path, "--workers", workers) as running:
        await check_connects(running, 1 if workers > 1 else 4)


@pytest.mark.slow
async def test_no_connect_is_refused_during_ten_rolling_restarts(tmp_path: Path) -> None:
    app = APP.replace("disconnect_timeout=1", "disconnect_timeout=0.1")  # no client fetches its close packet
    async with program(tmp_path, "--workers", 2, app=app) as running:
        await check_connects(running, 10)


async def check_connects(running: Program, restarts: int) -> None:
    """Connect without pause while workers are replaced."""
    connected = 0

    async def connect() -> None:
        nonlocal connected
        while True:
            async with await trio.open_tcp_stream("127.0.0.1", running.port) as stream:
                response = await HttpClient(stream).request("GET", "/socket.io/?EIO=4&transport=polling")
            assert response.status == 200, response
            connected += 1

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(connect)
        for _ in range(restarts):
            running.send(signal.SIGHUP)
            await running.log("all workers are replaced")
        nursery.cancel_scope.cancel()
    assert connected > 10


@pytest.mark.slow
async def test_workers_need_no_more_descriptors_on_their_way_than_one_process_may_have(
    tmp_path: Path,
) -> None:
    """Eight workers get 56 ends of pairs. The system lets a user have as many on their way as one process."""
    prefix = ["prlimit", "--nofile=48"]
    if os.geteuid() == 0:  # has no such limit
        prefix += ["setpriv", "--bounding-set=-sys_resource,-sys_admin"]
    async with program(tmp_path, "--workers", 8, prefix=prefix) as running:
        assert not any("is killed" in line for line in running.lines)
        assert len(running.workers()) == 8


FORKING = """

@io.on("fork")
def fork(socket: Socket) -> int:
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(ours, 1)
        os._exit(0)
    return child


@io.on("start")
def start(socket: Socket) -> int:
    return subprocess.Popen(["sleep", "1000"], close_fds=False).pid
"""


@pytest.mark.parametrize("way", ["fork", pytest.param("start", marks=pytest.mark.slow)])
async def test_end_of_a_worker_is_noticed_while_a_process_of_the_application_goes_on(
    tmp_path: Path, way: str
) -> None:
    """The child has copies of the worker's socketpairs, so that the others do not read their end."""
    app = APP.replace("import os", "import os, subprocess", 1) + FORKING
    async with program(tmp_path, "--workers", 2, app=app) as running:
        client = await running.connect()
        ((worker, _),) = await client.call("who")
        (child,) = await client.call(way)
        try:
            os.kill(worker, signal.SIGKILL)
            await running.log(rf"pid {worker}\) was ended by SIGKILL")
            for _ in range(3):
                response = await (await running.http()).request(
                    "GET", f"/socket.io/?EIO=4&transport=polling&sid={client.open['sid']}"
                )
                assert (response.status, response.json["code"]) == (400, 1)
            assert (await running.who())[0] != worker
            assert is_alive(child)
        finally:
            os.kill(child, signal.SIGKILL)
