"""``io.run``: the start and the end of a server process, with real signals."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from support.wire import HttpClient, SioClient, WebSocket
from wsproto.events import CloseConnection

from trio_socketio import EngineServer, Server

pytestmark = [pytest.mark.rows("P38"), pytest.mark.programs]

SECONDS = 30

SOCKET_IO = """
import trio
from trio_socketio import Server, Socket

io = Server()


@io.on("slow")
async def slow(socket: Socket, seconds: float) -> str:
    await socket.emit("begun")
    await trio.sleep(seconds)
    return "done"


io.run("127.0.0.1", 0)
print("returned")
"""

ENGINE_IO = """
from trio_socketio import EngineServer

EngineServer(path="/socket.io/").run("127.0.0.1", 0)
print("returned")
"""


class Program:
    """A server in a process of its own.

    Attributes:
        said: its first line.
        port: where it listens.
        streams: what sessions have opened.
    """

    def __init__(self, process: trio.Process, said: str, streams: list[trio.abc.Stream]) -> None:
        self.process = process
        self.said = said
        self.port = int(said.rpartition(":")[2])
        self.streams = streams

    async def session(self) -> SioClient:
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        self.streams.append(stream)
        return await SioClient(await WebSocket(stream).open("/socket.io/?EIO=4&transport=websocket")).start()

    async def connect(self) -> SioClient:
        return await (await self.session()).connect()

    async def end(self, *signals: signal.Signals, client: SioClient | None = None) -> tuple[int, str, str]:
        """Send signals, and wait for the end: its status, and what it wrote after its first line.

        The client hangs up when the server closes its WebSocket. Without this, the server waits for two seconds.
        """
        for number in signals:
            self.process.send_signal(number)
        if client is not None:
            while not isinstance(await client.receive(), CloseConnection):
                pass
            await trio.aclose_forcefully(client.ws.stream)
        stdout, stderr = self.process.stdout, self.process.stderr
        assert stdout is not None and stderr is not None
        out = b"".join([chunk async for chunk in stdout])
        errors = b"".join([chunk async for chunk in stderr])
        return await self.process.wait(), out.decode(), errors.decode()


async def line_of(process: trio.Process) -> str:
    """The next line on standard output; empty at its end."""
    said = b""
    assert process.stdout is not None
    while not said.endswith(b"\n"):
        said += await process.stdout.receive_some(1) or b"\n"
    return said.decode().strip()


@asynccontextmanager
async def program(code: str, tmp_path: Path, *flags: str) -> AsyncIterator[Program]:
    (tmp_path / "server.py").write_text(code)
    with trio.fail_after(SECONDS):
        process = await trio.lowlevel.open_process(
            [sys.executable, *flags, str(tmp_path / "server.py")],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        streams: list[trio.abc.Stream] = []
        try:
            yield Program(process, await line_of(process), streams)
        finally:
            process.kill()
            for stream in streams:
                await trio.aclose_forcefully(stream)
            await process.wait()


STARTED = r".* INFO trio_socketio\.engine: h11 parses the heads of requests\n"


@pytest.mark.parametrize("code", [SOCKET_IO, ENGINE_IO], ids=["Server", "EngineServer"])
async def test_program_logs_its_address_and_ctrl_c_ends_it_without_traceback(
    code: str, tmp_path: Path
) -> None:
    async with program(code, tmp_path) as server:
        assert re.fullmatch(r"Listening on http://127\.0\.0\.1:\d+", server.said)
        status, out, errors = await server.end(signal.SIGINT)
        assert (status, out) == (130, "")
        assert re.fullmatch(STARTED, errors)


async def test_ctrl_c_ends_a_program_with_clients(tmp_path: Path) -> None:
    async with program(SOCKET_IO, tmp_path) as server:
        client = await server.connect()
        await client.emit("slow", 100, ack=0)
        assert await client.event() == ["begun"]
        status, out, errors = await server.end(signal.SIGINT, client=client)
        assert (status, out) == (130, "")
        assert "Traceback" not in errors


async def test_second_ctrl_c_ends_the_grace_of_the_stop(tmp_path: Path) -> None:
    code = SOCKET_IO.replace("Server()", "Server(disconnect_timeout=1000)").replace(
        "io.run",
        """@io.on("disconnect")
async def gone(socket: Socket) -> None:
    print("cleaning up", flush=True)
    await trio.sleep(1000)


io.run""",
    )
    async with program(code, tmp_path) as server:
        await server.connect()
        server.process.send_signal(signal.SIGINT)
        assert await line_of(server.process) == "cleaning up"
        status, out, errors = await server.end(signal.SIGINT)
        assert (status, out) == (130, "")
        assert "Traceback" not in errors


@pytest.mark.parametrize("code", [SOCKET_IO, ENGINE_IO], ids=["Server", "EngineServer"])
async def test_sigterm_drains_the_server_and_run_returns(code: str, tmp_path: Path) -> None:
    async with program(code, tmp_path) as server:
        client = await (server.connect() if code is SOCKET_IO else server.session())
        if code is SOCKET_IO:
            await client.emit("slow", 0.2, ack=0)
            assert await client.event() == ["begun"]
        async with trio.open_nursery() as nursery:
            ended: list[Any] = []

            @nursery.start_soon
            async def end() -> None:
                ended.extend(await server.end(signal.SIGTERM))

            if code is SOCKET_IO:
                assert await client.receive() == '30["done"]'
            closed = await client.receive()
            assert isinstance(closed, CloseConnection)
            assert closed.code == 1001
            await client.ws.close(1001)
        assert ended[:2] == [0, "returned\n"]
        drains = r".* INFO trio_socketio: SIGTERM: the server drains, for at most 30 s\n"
        assert re.fullmatch(STARTED + drains, ended[2])


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
async def test_second_signal_ends_the_drain(second: signal.Signals, tmp_path: Path) -> None:
    async with program(SOCKET_IO, tmp_path) as server:
        client = await server.connect()
        await client.emit("slow", 100, ack=0)
        assert await client.event() == ["begun"]
        server.process.send_signal(signal.SIGTERM)
        while not await is_draining(server):
            pass
        status, out, errors = await server.end(second, client=client)
        assert (status, out) == (128 + second, "")
        assert "Traceback" not in errors


async def is_draining(server: Program) -> bool:
    http = HttpClient(await trio.open_tcp_stream("127.0.0.1", server.port))
    response = await http.request("GET", "/socket.io/?EIO=4&transport=polling")
    await http.stream.aclose()
    return response.status == 503


@pytest.mark.parametrize("kind", ["Server", pytest.param("EngineServer", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ('"127.0.0.1", TAKEN', "cannot listen on 127.0.0.1:TAKEN: Address already in use"),
        ('"192.0.2.1", 3000', "cannot listen on 192.0.2.1:3000: Cannot assign requested address"),
        ('"::1", 70000', "cannot listen on [::1]:70000: port must be from 0 to 65535"),
        ("None, -1", "cannot listen on *:-1: port must be from 0 to 65535"),
        ('"a..b", 3000', "cannot listen on a..b:3000: the host name is invalid"),
        ('"http://localhost", 3000', "cannot listen on http://localhost:3000: "),
    ],
)
def test_failed_bind_exits_with_one_sentence(address: str, sentence: str, kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code = f"import trio_socketio as t; t.{kind}().run({address.replace('TAKEN', port)})"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(sentence.replace("TAKEN", port))
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("configuration", "shown"),
    [
        ("", True),
        ("logging.basicConfig(level=logging.WARNING)", False),
        ("logging.getLogger('trio_socketio').addHandler(logging.NullHandler())", False),
        ("logging.getLogger('trio_socketio').setLevel(logging.WARNING)", False),
        ("logging.getLogger('trio_socketio').setLevel(logging.INFO)", True),
    ],
)
async def test_log_is_shown_unless_logging_is_configured(
    configuration: str, shown: bool, tmp_path: Path
) -> None:
    async with program(f"import logging\n{configuration}\n{SOCKET_IO}", tmp_path) as server:
        status, _, errors = await server.end(signal.SIGTERM)
        assert status == 0
        assert errors.count("INFO trio_socketio: SIGTERM") == shown


async def test_program_serves_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "key.pem")
    code = SOCKET_IO.replace("0)", "0, ssl_context=context, backlog=5)").replace(
        "io = Server()",
        "import ssl\ncontext = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)\n"
        'context.load_cert_chain("key.pem")\nio = Server()',
    )
    async with program(code, tmp_path) as server:
        assert server.said.startswith("Listening on https://127.0.0.1:")
        assert (await server.end(signal.SIGINT))[0] == 130


def test_errors_of_the_application_are_raised_as_they_are(tmp_path: Path) -> None:
    code = 'import trio_socketio as t; t.Server(static_files={"/": "page.html"}).run("127.0.0.1", 0)'
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith(f"no file or folder 'page.html' in {str(tmp_path.resolve())!r}\n")


async def test_run_inside_trio_is_refused() -> None:
    with pytest.raises(RuntimeError, match="run"):
        Server().run("127.0.0.1", 0)


@pytest.mark.parametrize("server", [Server, EngineServer])
@pytest.mark.parametrize("port", ["3000", None, 3000.0])
def test_port_that_is_no_whole_number_is_refused(server: Any, port: Any) -> None:
    with pytest.raises(TypeError, match=f"port must be a whole number, not {port!r}"):
        server().run("127.0.0.1", port)
