"""SIGINT for a process that serves real sockets."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
import trio
from support.wire import SioClient, WebSocket
from wsproto.events import CloseConnection

pytestmark = [pytest.mark.rows("P7"), pytest.mark.programs]

SERVER = """
import logging, sys
import trio
from trio_socketio import Server

logging.basicConfig(stream=sys.stdout, format="%(message)s")
io = Server(driver=sys.argv[1], disconnect_timeout=60.0)
handled = 0

@io.on("echo")
async def echo(socket, number):
    global handled
    if number % 3 == 0:
        await trio.lowlevel.checkpoint()
    sum(range(2000))
    handled += 1
    return number

@io.on("disconnect")
async def gone(socket):
    if sys.argv[2] == "slow":
        print("disconnecting", flush=True)
        await trio.sleep_forever()

async def main():
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(io.serve, "127.0.0.1", 0)
        print(listener.socket.getsockname()[1], flush=True)

try:
    trio.run(main)
except BaseException as error:
    interrupts = error.split(KeyboardInterrupt)[0] if isinstance(error, BaseExceptionGroup) else error
    print("handled", handled, isinstance(interrupts or error, (KeyboardInterrupt, BaseExceptionGroup)), flush=True)
    sys.exit(130)
"""

CLIENTS, EVENTS = 10, 150


def start(driver: str, disconnecting: str = "fast") -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, driver, disconnecting], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


async def connect(port: int) -> SioClient:
    ws = await WebSocket(await trio.open_tcp_stream("127.0.0.1", port)).open(
        "/socket.io/?EIO=4&transport=websocket"
    )
    return await (await SioClient(ws).start()).connect()


@pytest.mark.parametrize("driver", ["auto", "stream"])
async def test_acknowledgements_and_close_frames_are_sent(driver: str) -> None:
    process, port = start(driver)
    acks: list[str] = []
    codes: list[int] = []

    async def play(client: SioClient) -> None:
        for number in range(EVENTS):
            await client.emit("echo", number, ack=number)
        while not isinstance(message := await client.receive(), CloseConnection):
            assert isinstance(message, str)
            acks.append(message)
            if len(acks) == CLIENTS * EVENTS // 10:
                process.send_signal(signal.SIGINT)
        codes.append(message.code)
        await client.ws.stream.aclose()

    with process, trio.fail_after(20):
        try:
            clients = [await connect(port) for _ in range(CLIENTS)]
            async with trio.open_nursery() as nursery:
                for client in clients:
                    nursery.start_soon(play, client)
            out, _ = await trio.to_thread.run_sync(process.communicate)
        finally:
            process.kill()
    assert out == f"handled {len(acks)} True\n"
    assert codes == [1001] * CLIENTS
    assert process.returncode == 130


@pytest.mark.parametrize("driver", ["auto", "stream"])
async def test_second_interrupt_ends_the_stop_of_the_process(driver: str) -> None:
    process, port = start(driver, "slow")
    assert process.stdout is not None
    with process, trio.fail_after(20):
        try:
            clients = [await connect(port) for _ in range(3)]
            process.send_signal(signal.SIGINT)
            for _ in clients:
                assert await trio.to_thread.run_sync(process.stdout.readline) == "disconnecting\n"
            process.send_signal(signal.SIGINT)
            out, _ = await trio.to_thread.run_sync(process.communicate)
            for client in clients:
                await client.ws.stream.aclose()
        finally:
            process.kill()
    lines = out.splitlines()
    assert lines == [
        "interrupted again: the stop is cut short, with 3 disconnect handlers and 0 acknowledgements",
        "handled 0 True",
    ]
    assert process.returncode == 130
