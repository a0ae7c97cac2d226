"""The opening handshake of a WebSocket, which the application accepts or refuses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum, auto

from trio_socketio._asgi_types import Message
from trio_socketio._signal import Signal
from trio_socketio.asgi._messages import accept_lines
from trio_socketio.asgi._response import FAILED, Response
from trio_socketio.engineio import EngineResponse
from trio_socketio.net import UPGRADE_REQUIRED, Http1Connection, opening_handshake

__all__ = ["Opening", "Write"]

FORBIDDEN = EngineResponse(403, [("Content-Length", "0")], close=True)

#: Calls a function that writes, with these arguments, and returns whether its result is true. It raises ``ClientGone``
#: if the client has disconnected.
Write = Callable[..., Awaitable[bool]]


class State(Enum):
    """The decision of the application."""

    NONE = auto()
    REFUSING = auto()  #: it writes a response of its own
    REFUSED = auto()
    ACCEPTED = auto()


class Opening:
    """The opening handshake of one WebSocket.

    Args:
        http: its connection.
        write: see ``Write``.
    """

    def __init__(self, http: Http1Connection, write: Write) -> None:
        self._http = http
        self._write = write
        self._switching = b""
        self._response: Response | None = None
        self._state = State.NONE
        self._decided = Signal()

    @property
    def is_decided(self) -> bool:
        """Whether the WebSocket is accepted or refused."""
        return self._state in (State.ACCEPTED, State.REFUSED)

    @property
    def is_accepted(self) -> bool:
        """Whether the application has accepted the WebSocket."""
        return self._state is State.ACCEPTED

    # the connection's task

    async def check(self) -> bool:
        """Check the request. If it is not valid, answer it and return False."""
        self._switching = await opening_handshake(self._http.head)
        if not self._switching:
            await self._http.respond(UPGRADE_REQUIRED)
        return bool(self._switching)

    def wake(self) -> None:
        """Let ``decided`` return."""
        self._decided.set()

    async def decided(self) -> None:
        """Wait until the application has decided, or ``wake`` is called."""
        await self._decided.wait()

    # the application's task

    async def take(self, message: Message) -> None:
        """Take a message of the application, before it has decided.

        Raises:
            ClientGone: the client has disconnected.
            RuntimeError: the message may not come now.
            ValueError, TypeError: the message is malformed.
        """
        kind = message["type"]
        if self._response is not None and kind == "websocket.http.response.body":
            if await self._write(self._response.write, self._http, message):
                self._http.wrote_last()
                self._decide(State.REFUSED)
        elif self._response is None and kind == "websocket.http.response.start":
            self._response = Response(message, "GET", is_old=False)
            self._state = State.REFUSING
        elif self._response is None and kind == "websocket.accept":
            await self._write(self._http.send, self._switching[:-2] + accept_lines(message) + b"\r\n")
            self._decide(State.ACCEPTED)
        elif self._response is None and kind == "websocket.close":
            await self._write(self._http.respond, FORBIDDEN)
            self._decide(State.REFUSED)
        else:
            raise RuntimeError(f"unexpected message {kind!r}: {_EXPECTED[self._state]}")

    async def fail(self) -> bool:
        """Refuse with status 500. Return False if that is impossible, because another response has begun.

        Raises:
            ClientGone: the client has disconnected.
        """
        if self._response is not None and self._response.is_begun:
            return False
        await self._write(self._http.respond, FAILED)
        self._decide(State.REFUSED)
        return True

    def _decide(self, state: State) -> None:
        self._state = state
        self._decided.set()


_EXPECTED = {
    State.NONE: "the WebSocket is neither accepted nor closed",
    State.REFUSING: "'websocket.http.response.body' follows",
}
