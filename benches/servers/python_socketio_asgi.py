"""The application of the benchmarks, on python-socketio with uvicorn (ASGI), uvloop, httptools and websockets."""

from __future__ import annotations

import socketio
import uvicorn
from python_socketio_application import application, listen

if __name__ == "__main__":
    app = socketio.ASGIApp(application("asgi"))
    listener, folder = listen()
    files = (
        {"ssl_certfile": f"{folder}/certificate.pem", "ssl_keyfile": f"{folder}/key.pem"} if folder else {}
    )
    config = uvicorn.Config(app, log_level="warning", ws_per_message_deflate=False, access_log=False, **files)
    uvicorn.Server(config).run(sockets=[listener])
