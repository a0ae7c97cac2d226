"""Programs with workers, from their start to their end, with real processes and signals."""

from __future__ import annotations

import re
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import trio
import trustme
from support.redis_server import free_port
from support.worker_programs import APP, is_alive, needs_linux, program, wait_gone
from wsproto.events import CloseConnection

from trio_socketio.__main__ import main

pytestmark = [needs_linux, pytest.mark.rows("I16"), pytest.mark.programs]


@pytest.mark.slow
async def test_all_workers_serve_one_port(tmp_path: Path) -> None:
    async with program(tmp_path, "--workers", 2) as running:
        pids = running.workers()
        assert len(pids) == 2
        assert set(await running.connect_to_each(2)) == set(pids)


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)],
    ids=lambda number: number.name,
)
async def test_signal_drains_all_workers(tmp_path: Path, number: signal.Signals) -> None:
    async with program(tmp_path, "--workers", 2) as running:
        clients = await running.connect_to_each(2)
        for client in clients.values():
            await client.emit("slow", 0.3, ack=7)
            assert await client.event() == ["begun"]
        running.send(number)
        for client in clients.values():
            assert await client.receive() == '37["done"]'
            closed = await client.receive()
            assert isinstance(closed, CloseConnection)
            assert closed.code == 1001
            await trio.aclose_forcefully(client.ws.stream)
        assert await running.end() == (130 if number == signal.SIGINT else 0, "")
        assert not any(is_alive(pid) for pid in clients)
        assert not any("Traceback" in line for line in running.lines)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow)]
)
async def test_second_signal_stops_at_once(tmp_path: Path, number: signal.Signals, status: int) -> None:
    async with program(tmp_path, "--workers", 2) as running:
        client = await running.connect()
        await client.emit("slow", 1000, ack=7)
        assert await client.event() == ["begun"]
        running.send(number)
        await running.log("the workers drain")
        running.send(number)
        while not isinstance(await client.receive(), CloseConnection):
            pass
        await trio.aclose_forcefully(client.ws.stream)
        assert await running.end() == (status, "")


async def test_single_worker_needs_no_other(tmp_path: Path) -> None:
    app = APP.replace("Server(", "Server(generate_id=lambda: os.urandom(16).hex(), ")
    async with program(tmp_path, app=app) as running:
        client = await running.session()
        assert re.fullmatch("[0-9a-f]{32}", client.open["sid"])
        running.send(signal.SIGHUP)
        await running.log("all workers are replaced")
        assert (await running.who())[0] in running.workers()


async def test_program_needs_no_standard_streams(tmp_path: Path) -> None:
    """Sockets do not get the descriptors of the closed streams, to which the application may write."""
    closing = ["sh", "-c", 'exec "$@" <&- >&-', "sh"]
    app = APP + "\nos.write(1, b'x' * 100)\n"
    async with program(
        tmp_path, "--port", free_port(), "--workers", 2, prefix=closing, app=app, begins=False
    ) as running:
        for _ in range(2):
            await running.log("serves$")
        running.send(signal.SIGTERM)
        assert await running.process.wait() == 0
        assert not any("Traceback" in line or "ERROR" in line for line in running.lines), running.lines


async def test_working_directory_is_not_on_the_path_of_workers_unless_on_that_of_the_parent(
    tmp_path: Path,
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "trio.py").write_text("raise SystemExit('this module is not for us')")
    (tmp_path / "app.py").write_text(APP)
    script = tmp_path / "script.py"
    script.write_text(
        "from trio_socketio import serve_workers\nserve_workers('app:io', '127.0.0.1', 0, workers=1)"
    )
    process = await trio.lowlevel.open_process(
        [sys.executable, str(script)], cwd=elsewhere, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    async with process.stdout:
        assert (await process.stdout.receive_some()).startswith(b"Listening on ")
        process.terminate()
        assert await process.wait() == 0


async def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    async with program(tmp_path, "--workers", 2) as running:
        clients = await running.connect_to_each(2)
        running.send(signal.SIGKILL)
        for client in clients.values():
            closed = await client.receive()
            assert isinstance(closed, CloseConnection)
            assert closed.code == 1001
            await trio.aclose_forcefully(client.ws.stream)
        for pid in clients:
            await wait_gone(pid)


FAILING = {
    "an exception": ("1 / 0\n", "ZeroDivisionError: division by zero"),
    "no such attribute": ("", "the module 'app' has no 'io'"),
    "no server": ("io = 5\n", "must be a Server"),
    "an import": ("import nothing_like_this\n", "No module named 'nothing_like_this'"),
    "exit": ("import os\nos._exit(3)\n", "the process of a worker ended with status 3 before it served"),
    "a long text with characters that JSON has not": (
        "raise ValueError('\\udcff' + '\\x01' * 100_000)\n",
        r"cannot serve app:io: ValueError: \udcff",
    ),
    "an exception without a text": (
        "class E(Exception):\n    __str__ = None\nraise E\n",
        "cannot serve app:io: E",
    ),
    "workers in workers": (
        "from trio_socketio import Server, serve_workers\nio = Server()\nserve_workers('app:io', None, 0, workers=1)\n",
        "serve_workers must be called under ``if __name__ == '__main__':``",
    ),
    "generate_id": (
        "from trio_socketio import Server\nio = Server(generate_id=lambda: 'x')\n",
        "generate_id cannot be used with more than one worker",
    ),
}


#: ``test_target`` has the others.
QUICK = {"an exception", "exit", "generate_id", "workers in workers"}


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in FAILING]
)
async def test_server_that_cannot_start_is_one_sentence(tmp_path: Path, kind: str) -> None:
    code, sentence = FAILING[kind]
    async with program(tmp_path, "--workers", 2, app=code, begins=False) as running:
        assert await running.end() == (1, "")
        await running.log(re.escape(sentence))
        assert len([line for line in running.lines if sentence in line and not line[0].isspace()]) <= 2
        assert "workers/_" not in "".join(running.lines)


def test_command_of_the_parent_is_not_for_users() -> None:
    with pytest.raises(SystemExit, match="the command worker is for the parent of workers: use serve"):
        main(["worker", "1000000"])


async def test_missing_module_is_one_sentence(tmp_path: Path) -> None:
    async with program(tmp_path, target="nothing:io", begins=False) as running:
        assert await running.end() == (1, "")
        await running.log("there is no module 'nothing'")
        assert len(running.lines) == 1


def run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trio_socketio", "serve", *arguments]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)


def test_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ended = run(tmp_path, "app:io", "--port", str(port))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"cannot listen on 127.0.0.1:{port}: Address already in use\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["app:io", "--workers", "0"], "workers must be at least 1, not 0"),
        (["app"], "such as 'app:io', not 'app'"),
        pytest.param(["app:io", "--port", "x"], "invalid int value: 'x'", marks=pytest.mark.slow),
    ],
)
def test_wrong_argument_is_one_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    ended = run(tmp_path, *arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert sentence in ended.stderr.splitlines()[-1]


def tls(tmp_path: Path) -> list[str]:
    certificate = trustme.CA().issue_cert("localhost")
    for number, blob in enumerate(certificate.cert_chain_pems):
        blob.write_to_path(str(tmp_path / "cert.pem"), append=number > 0)
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    return ["--certificate", "cert.pem", "--key", "key.pem"]


async def test_tls_with_polling_needs_a_single_worker(tmp_path: Path) -> None:
    async with program(tmp_path, "--workers", 2, *tls(tmp_path), begins=False) as running:
        assert await running.end() == (1, "")
        await running.log("TLS with polling cannot be used with more than one worker: .* proxy")


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
async def test_tls_is_served(tmp_path: Path, workers: int) -> None:
    app = APP.replace("Server(", "Server(transports=['websocket'], ") if workers > 1 else APP
    async with program(tmp_path, "--workers", workers, *tls(tmp_path), app=app) as running:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        stream = trio.SSLStream(await running.stream(), context, server_hostname="localhost")
        await stream.send_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 200")
        await trio.aclose_forcefully(stream)
