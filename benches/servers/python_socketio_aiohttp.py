"""The application of the benchmarks, on python-socketio with aiohttp."""

from __future__ import annotations

from aiohttp import web
from python_socketio_application import application, listen

if __name__ == "__main__":
    app = web.Application()
    application("aiohttp").attach(app)
    web.run_app(app, sock=listen(), print=None, access_log=None)
