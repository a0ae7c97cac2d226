"""The echo of the benchmarks on websockets' server for Trio, without Engine.IO and Socket.IO.

It sends the packets of a connecting client from constants, and sends each ``echo`` back as it is.
"""

from __future__ import annotations

import argparse
import itertools
import logging

import trio
from websockets.exceptions import ConnectionClosed
from websockets.trio.server import ServerConnection, serve

OPEN = '0{{"sid":"{}","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}'
CONNECTED = '40{{"sid":"{}"}}'
NUMBERS = itertools.count(1)


async def handle(connection: ServerConnection) -> None:
    """Serve a connection until it ends."""
    number = next(NUMBERS)
    try:
        await connection.send(OPEN.format(number))
        async for packet in connection:
            await connection.send(CONNECTED.format(number) if packet == "40" else packet)
    except ConnectionClosed:  # the load generator resets its connections
        pass


async def main() -> None:
    """Parse the arguments, serve, and print the port."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    listeners = await trio.open_tcp_listeners(parser.parse_args().port, host="127.0.0.1", backlog=4096)
    print("PORT", listeners[0].socket.getsockname()[1], flush=True)
    await serve(handle, listeners=listeners, compression=None, ping_interval=None)


if __name__ == "__main__":
    trio.run(main)
