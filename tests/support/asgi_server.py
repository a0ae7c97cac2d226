"""The functions of an ASGI server, driven by a test: what the application sends, and what it is given."""

from __future__ import annotations

import math
from typing import Any

import trio

__all__ = ["SEND_ERRORS", "Call", "websocket_scope"]

#: The errors that ``send`` may raise after the client has disconnected: that of the ASGI specification, and Trio's.
SEND_ERRORS = (OSError, trio.BrokenResourceError, trio.BusyResourceError, trio.ClosedResourceError)


def websocket_scope(path: str = "/socket.io/", **more: Any) -> dict[str, Any]:
    return {
        "type": "websocket",
        "path": path,
        "query_string": b"EIO=4&transport=websocket",
        "headers": [(b"host", b"test")],
        "client": ("192.0.2.1", 1234),
        "scheme": "ws",
        **more,
    }


class Call:
    """One call of an application.

    Attributes:
        taken: how many messages the application has received.
        send_error: what ``send`` raises from now on; None: nothing.
    """

    def __init__(self, app: Any, scope: dict[str, Any], *messages: dict[str, Any]) -> None:
        self._app = app
        self._scope = scope
        self._to_app, self._from_server = trio.open_memory_channel[dict[str, Any]](math.inf)
        self._to_server, self._from_app = trio.open_memory_channel[dict[str, Any]](math.inf)
        self.taken = 0
        self.send_error: Exception | None = None
        self.give(*messages)

    def give(self, *messages: dict[str, Any]) -> None:
        for message in messages:
            self._to_app.send_nowait(message)

    async def sent(self) -> dict[str, Any]:
        """Return the next message that the application has sent."""
        with trio.fail_after(10):
            return await self._from_app.receive()

    async def run(self) -> None:
        await self._app(self._scope, self._receive, self._send)

    async def _send(self, message: dict[str, Any]) -> None:
        if self.send_error is not None:
            raise self.send_error
        await self._to_server.send(message)

    async def _receive(self) -> dict[str, Any]:
        message = await self._from_server.receive()
        self.taken += 1
        return message
