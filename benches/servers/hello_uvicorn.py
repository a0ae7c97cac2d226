"""The web application of the benchmarks on uvicorn, with uvloop."""

from __future__ import annotations

import argparse
import socket

import uvicorn
from hello_application import app

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--http", choices=("h11", "httptools"), required=True)
    arguments = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", arguments.port), backlog=4096)
    print("PORT", listener.getsockname()[1], flush=True)
    config = uvicorn.Config(app, http=arguments.http, log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])
