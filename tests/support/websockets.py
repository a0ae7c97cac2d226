"""A session over one driver, without HTTP, and the client's end of its stream."""

from __future__ import annotations

import trio

from support.engine import Above, Bench
from trio_socketio.engineio import Session
from trio_socketio.net._reactor_driver import ReactorDriver
from trio_socketio.net._stream_driver import StreamDriver

QUERY = "EIO=4&transport=websocket"


def open_session(bench: Bench, driver: StreamDriver | ReactorDriver) -> Above:
    """Open a session on this driver, and return the layer above the session."""
    request = bench.request(QUERY, upgrade=True)
    refusal = bench.engine.rules.admit(request)
    assert refusal is None

    def serve(session: Session) -> StreamDriver | ReactorDriver:
        driver.attach(session)
        return driver

    bench.engine.open_websocket(request, serve, trio.current_time())
    return bench.above[request.new_sid]
