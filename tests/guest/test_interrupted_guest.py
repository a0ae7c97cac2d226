"""SIGINT in a program of asyncio that has a guest, with real signals."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trio
from support.guests import DEADLINE, open_client
from support.wire import SioClient
from wsproto.events import CloseConnection

pytestmark = [pytest.mark.rows("K10"), pytest.mark.programs]

PROGRAM = """
import asyncio, sys
import trio
from trio_socketio import Server, Socket

io = Server(disconnect_timeout=10.0)
is_slow = sys.argv[1] == "slow"


@io.on("disconnect")
async def disconnect(socket: Socket, reason: str) -> None:
    print("disconnect", reason, flush=True)
    try:
        await (trio.sleep_forever() if is_slow else trio.lowlevel.checkpoint())
    finally:
        print("handled", flush=True)


@io.on("block")
def block(socket: Socket) -> None:
    print("blocks", flush=True)
    while True:
        pass


@io.on("raise")
async def interrupt(socket: Socket) -> None:
    raise KeyboardInterrupt


async def main() -> None:
    try:
        async with io.guest("127.0.0.1", 0) as guest:
            print(guest.listeners[0].socket.getsockname()[1], flush=True)
            await asyncio.get_running_loop().create_future()
    except BaseException as error:
        print("raised", type(error).__name__, flush=True)
        raise


try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(130)
"""

END = ["raised CancelledError", "interrupted"]


@contextmanager
def program(disconnecting: str = "fast") -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start the program. Return its process and its port."""
    command = [sys.executable, "-W", "error", "-c", PROGRAM, disconnecting]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


async def rest(process: subprocess.Popen[str]) -> tuple[list[str], str]:
    """Return what the program printed until its end."""
    out, err = await trio.to_thread.run_sync(process.communicate)
    return out.splitlines(), err


async def closed(client: SioClient) -> int:
    """Return the code with which the server closes the connection."""
    while not isinstance(message := await client.receive(), CloseConnection):
        pass
    await client.ws.stream.aclose()
    return message.code


async def test_interrupt_stops_the_server_in_order() -> None:
    with program() as (process, port), trio.fail_after(DEADLINE):
        client = await open_client(port)
        process.send_signal(signal.SIGINT)
        assert await closed(client) == 1001
        assert await rest(process) == (["disconnect server shutting down", "handled", *END], "")
    assert process.returncode == 130


async def test_second_interrupt_cuts_the_stop_short() -> None:
    with program("slow") as (process, port), trio.fail_after(DEADLINE):
        assert process.stdout is not None
        client = await open_client(port)
        process.send_signal(signal.SIGINT)
        assert await closed(client) == 1001
        assert await trio.to_thread.run_sync(process.stdout.readline) == "disconnect server shutting down\n"
        process.send_signal(signal.SIGINT)
        lines, err = await rest(process)
    assert lines[0] == "handled"
    assert lines[-1] == "interrupted"
    assert "the stop is cut short" in err
    assert "Traceback" not in err, err
    assert process.returncode == 130


async def test_second_interrupt_ends_a_handler_that_blocks() -> None:
    with program() as (process, port), trio.fail_after(DEADLINE):
        assert process.stdout is not None
        client = await open_client(port)
        await client.emit("block")
        assert await trio.to_thread.run_sync(process.stdout.readline) == "blocks\n"
        process.send_signal(signal.SIGINT)
        # The second signal must not be merged with the first one. The first one has no visible effect.
        with trio.move_on_after(0.2):
            await client.receive()
        process.send_signal(signal.SIGINT)
        assert await closed(client) == 1001
        lines, _ = await rest(process)
    assert lines[:2] == ["disconnect server shutting down", "handled"]
    assert lines[-1] == "interrupted"
    assert process.returncode == 130


async def test_keyboard_interrupt_of_a_handler_ends_the_program() -> None:
    with program() as (process, port), trio.fail_after(DEADLINE):
        client = await open_client(port)
        await client.emit("raise")
        assert await closed(client) == 1001
        lines, _ = await rest(process)
    assert lines == ["disconnect server shutting down", "handled", "raised KeyboardInterrupt", "interrupted"]
    assert process.returncode == 130
