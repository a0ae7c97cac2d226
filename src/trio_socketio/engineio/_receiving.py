"""The handling of received packets, except messages, which ``Session.receive`` handles itself.

Source: Engine.IO protocol, revisions 3 and 4, "Packet types".
"""

from __future__ import annotations

from typing import Protocol

from trio_socketio._core import CloseFrame, Connection, Failure
from trio_socketio.engineio._context import SessionContext
from trio_socketio.engineio._packet import PacketType, parse_packet
from trio_socketio.engineio._seam import SessionObserver
from trio_socketio.errors import DisconnectReason

__all__ = ["ReceivingSession", "receive"]

#: Pongs are queued up to this many times the limits of the outbox, whatever its policy. Beyond that, pings stay
#: unanswered until the client reads.
PONG_FACTOR = 2


class ReceivingSession(Protocol):
    """The part of a session that the handling of a packet uses."""

    context: SessionContext
    link: Connection
    revision: int

    @property
    def observer(self) -> SessionObserver:
        """The observer in the layer above."""
        ...

    def close(
        self, reason: DisconnectReason, description: str, *, now: float, code: int = ..., by_peer: bool
    ) -> None:
        """Close the session."""

    def fail(self, reason: DisconnectReason, description: str, *, code: int = ...) -> None:
        """End the session at once."""


def receive(session: ReceivingSession, packet: str | bytes | CloseFrame | Failure, now: float) -> None:
    """Handle one packet for an open session, or the reason why no more packets will come.

    Args:
        session: the session.
        packet: the packet as received.
        now: the current time, in seconds.
    """
    if isinstance(packet, CloseFrame):
        # The answering close frame has the same code (RFC 6455 section 5.5.1). 1005 means that there was no code.
        description = f"the client closed the WebSocket with code {packet.code}"
        session.close(DisconnectReason.TRANSPORT_CLOSE, description, now=now, code=packet.code, by_peer=True)
        return
    if isinstance(packet, Failure):
        session.fail(DisconnectReason.TRANSPORT_ERROR, packet.text, code=packet.close_code)
        return
    parsed = parse_packet(packet, session.revision)
    if isinstance(parsed, Failure):
        session.fail(DisconnectReason.PARSE_ERROR, parsed.text)
        return
    packet_type, data = parsed
    if packet_type is PacketType.MESSAGE:
        assert isinstance(data, bytes)  # ``Session.receive`` handles text messages itself
        session.link.heard(now)
        session.observer.binary(data, now)
    elif packet_type in (PacketType.PING, PacketType.PONG):
        _beat(session, packet_type, now)
    elif packet_type is PacketType.CLOSE:
        description = "the client sent a close packet"
        session.close(DisconnectReason.TRANSPORT_CLOSE, description, now=now, by_peer=True)
    else:
        what = f"a packet of type {packet_type.value!r}"
        session.fail(DisconnectReason.PARSE_ERROR, f"the client sent {what}")


def _beat(session: ReceivingSession, packet_type: PacketType, now: float) -> None:
    """Handle a ping or a pong. In revision 3 the client sends the pings; pongs do not repeat the data of a ping."""
    if packet_type is not (PacketType.PING if session.revision == 3 else PacketType.PONG):
        session.fail(DisconnectReason.TRANSPORT_ERROR, "invalid heartbeat direction")
        return
    if packet_type is PacketType.PONG:
        session.link.pong(now)
    else:
        session.link.pinged(now)
        session.link.send_protected(session.context.pong, PONG_FACTOR)
    session.observer.heartbeat(now)
