"""The application of the benchmarks, for ``python -m trio_socketio serve``."""

from __future__ import annotations

from ours import with_async_handlers

from trio_socketio import Server

io = Server()
with_async_handlers(io)
