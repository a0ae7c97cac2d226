"""The reactor driver: one WebSocket over a plain socket, which the reactor reads and writes.

C code reads, parses and writes (``csrc/reactor.h``). This module manages the closing of the WebSocket.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING

import trio

from trio_socketio._core import CloseFrame, Connection, Failure, ReactorTransport
from trio_socketio.engineio import Delivery, Receiver, TransportName
from trio_socketio.errors import DisconnectReason
from trio_socketio.net._delivery import delivery_of
from trio_socketio.net._lingering import CLOSE_TIMEOUT
from trio_socketio.net._reactor_host import ReactorHost

__all__ = ["ReactorDriver"]


class Phase(Enum):
    """The phase of a WebSocket."""

    OPEN = auto()
    CLOSING = auto()  #: queued packets and the close frame are being written
    ENDING = auto()  #: all is written; waits for the peer's close frame, as a reset could destroy sent data
    GONE = auto()  #: the socket is closed


class ReactorDriver:
    """The transport of a session, or of an upgrade candidate, in a reactor.

    Attributes:
        receiver: the session or candidate that receives the packets.
        on_gone: called when the socket is closed, before the receiver is notified; None: nothing to call.
    """

    __slots__ = ("_host", "_peer_ended", "_phase", "on_gone", "receiver")

    name: TransportName = "websocket"
    polls = None
    driver = "reactor"
    receiver: Receiver

    def __init__(self, host: ReactorHost) -> None:
        self._host = host
        self._phase = Phase.OPEN
        self._peer_ended = False
        self.on_gone: Callable[[], None] | None = None

    @property
    def _link(self) -> Connection:
        return self.receiver.link

    def take_over(self, stream: trio.SocketStream, trailing: bytes) -> None:
        """Serve the socket of a stream. The stream cannot be used afterwards.

        Args:
            stream: the stream, after the opening handshake.
            trailing: bytes that arrived with the opening handshake.
        """
        if self.is_gone:  # dropped while the response was being sent
            stream.socket.close()
            return
        descriptor = stream.socket.detach()
        try:
            self._link.feed(trailing)
            self._host.reactor.add(self._link, descriptor)
            self._host.enter(self)
        except BaseException:
            os.close(descriptor)
            self.drop()
            raise
        if self._phase is Phase.CLOSING and not self._link.has_output:  # all was sent with the response
            self.flushed()

    @property
    def is_gone(self) -> bool:
        """Whether the socket is closed."""
        return self._phase is Phase.GONE

    # called by the engine

    def attach(self, receiver: Receiver) -> None:
        """Pass packets to this receiver from now on, and move the socket to its connection."""
        if self._phase is not Phase.GONE and hasattr(self, "receiver"):
            self._host.reactor.move(self._link, receiver.link)
        self.receiver = receiver

    def wake(self) -> None:
        """Write soon, because the outbox has output."""
        if not self.is_gone:
            self._link.touch()

    def resume(self) -> None:
        """Continue reading."""
        if not self.is_gone:
            self._host.reactor.resume(self._link)

    def close(self) -> None:
        """Send queued packets and the close frame, then end."""
        self._close(self._host.flush_timeout)

    def abort(self, *, goodbye: bool) -> None:
        """End at once. The close frame is only sent if no unwritten output is before it."""
        if goodbye and not self.is_gone and self._link.is_writable:
            self._close(CLOSE_TIMEOUT)
        else:
            self.drop()

    def delivery(self, now: float) -> Delivery | None:
        """Return how many of the written bytes the client has received."""
        if self.is_gone:
            return None
        link = self._link
        return delivery_of(self._host.reactor.descriptor(link), link.written_bytes)

    def _close(self, timeout: float) -> None:
        if self._phase is not Phase.GONE:
            self._host.end_at(self, trio.current_time() + timeout)
        if self._phase is Phase.OPEN:
            self._phase = Phase.CLOSING
            self._link.watched = True
            self._host.reactor.resume(self._link)  # to see the peer's close frame
            self._link.touch()

    # called by the reactor

    def receive(self, packet: str | bytes | CloseFrame | Failure, now: float) -> None:
        """Handle a packet that is not a message of an open session."""
        if isinstance(packet, CloseFrame):
            self._peer_ended = True
        if self._phase is Phase.OPEN:
            self.receiver.receive(packet, now)
        elif self._phase is Phase.ENDING and self._peer_ended:
            self.drop()

    def flushed(self) -> None:
        """Go on after output was written: end a closing WebSocket, or notify the receiver."""
        if self._phase is Phase.CLOSING and not self._link.has_output:
            self._phase = Phase.ENDING
            self._host.reactor.shutdown(self._link)
            if self._peer_ended:
                self.drop()
            else:
                self._host.end_at(self, trio.current_time() + CLOSE_TIMEOUT)
        else:
            self.receiver.written(trio.current_time())

    def ended(self) -> None:
        """Handle the end of the peer's half of the connection."""
        if self._phase is Phase.CLOSING:
            self._peer_ended = True
            self._link.paused = True
        else:
            self.drop("the client ended the connection")

    def broken(self, error: int) -> None:
        """Handle an error of the socket.

        Args:
            error: the errno.
        """
        self.drop(f"the connection broke: {os.strerror(error)}")

    def failed(self, error: Exception) -> None:
        """Log an internal error that occurred for this connection, and drop the connection."""
        self._host.logger.critical("internal error in a WebSocket: it is dropped", exc_info=error)
        self.drop("internal error")

    def drop(self, description: str = "the connection was dropped") -> None:
        """Close the socket, and then notify the receiver. Do nothing if the socket is closed.

        Args:
            description: the description of the disconnect reason for the receiver.
        """
        if self._phase is not Phase.GONE:
            self._phase = Phase.GONE
            self._host.reactor.remove(self._link)
            self._host.forget(self)
            receiver = self.receiver
            del self.receiver  # breaks a reference cycle
            if self.on_gone is not None:
                self.on_gone()
            receiver.lost(DisconnectReason.TRANSPORT_CLOSE, description)


if TYPE_CHECKING:
    _checked: type[ReactorTransport] = ReactorDriver
