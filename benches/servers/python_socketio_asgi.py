"""The application of the benchmarks, on python-socketio with uvicorn (ASGI), uvloop, httptools and websockets."""

from __future__ import annotations

import socketio
import uvicorn
from python_socketio_application import application, listen

if __name__ == "__main__":
    app = socketio.ASGIApp(application("asgi"))
    config = uvicorn.Config(app, log_level="warning", ws_per_message_deflate=False, access_log=False)
    uvicorn.Server(config).run(sockets=[listen()])
