"""The application of the benchmarks, on python-socketio with aiohttp."""

from __future__ import annotations

import ssl

from aiohttp import web
from python_socketio_application import application, listen

if __name__ == "__main__":
    app = web.Application()
    application("aiohttp").attach(app)
    listener, folder = listen()
    context = None
    if folder:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(f"{folder}/certificate.pem", f"{folder}/key.pem")
    web.run_app(app, sock=listener, ssl_context=context, print=None, access_log=None)
