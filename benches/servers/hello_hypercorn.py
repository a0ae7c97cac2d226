"""The web application of the benchmarks on Hypercorn's worker for Trio."""

from __future__ import annotations

import argparse
import socket

import trio
from hello_application import app
from hypercorn.config import Config
from hypercorn.trio import serve


async def main() -> None:
    """Parse the arguments, serve, and print the port."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    listener = socket.create_server(("127.0.0.1", parser.parse_args().port), backlog=4096)
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.loglevel = "WARNING"
    config.keep_alive_max_requests = 1 << 30
    print("PORT", listener.getsockname()[1], flush=True)
    await serve(app, config)


if __name__ == "__main__":
    trio.run(main)
