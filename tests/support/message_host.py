"""A message-level host: whole messages in and out, no frames, no streams.

The third user of the engine's seam, beside the stream driver and the reactor. A foreign server that has its own
WebSockets would look like this.
"""

from __future__ import annotations

from support.wire import server_frames
from trio_socketio.engineio import Engine, EngineRequest, Receiver, Refusal, TransportName
from trio_socketio.errors import DisconnectReason


class MessageHost:
    """One WebSocket of the foreign server.

    Attributes:
        sent: what it would have sent so far, as its messages.
        ended: whether it was told to close.
    """

    name: TransportName = "websocket"
    polls = None
    driver = "messages"
    receiver: Receiver

    def __init__(self) -> None:
        self.sent: list[str | bytes] = []
        self.ended = False

    @classmethod
    def open(cls, engine: Engine, target: str, now: float) -> MessageHost:
        host = cls()
        request = EngineRequest("GET", target, {"host": "test"}, upgrade=True)
        assert admission(engine, request) is None

        def serve(session: Receiver) -> MessageHost:
            host.attach(session)
            return host

        if request.sid:
            candidate = engine.begin_upgrade(engine.sessions[request.sid], host, now, request)
            assert candidate is not None
            host.attach(candidate)
        else:
            engine.open_websocket(request, serve, now)
        return host

    # what the engine calls

    def attach(self, receiver: Receiver) -> None:
        self.receiver = receiver

    def wake(self) -> None:
        """Send at once: the payload form, split again, is the list of messages."""
        while data := self.receiver.link.take_payload(1):
            self.sent += _messages(data)
            self.receiver.written()

    def resume(self) -> None:
        pass

    def close(self) -> None:
        self.wake()
        self.ended = True
        self.receiver.lost(DisconnectReason.TRANSPORT_CLOSE, "closed")

    def abort(self, *, goodbye: bool) -> None:
        self.ended = True

    def delivery(self, now: float) -> None:
        """It does not know."""

    # what the foreign server calls

    def deliver(self, message: str | bytes, now: float) -> None:
        self.receiver.receive(message, now)

    def drop(self) -> None:
        self.receiver.lost(DisconnectReason.TRANSPORT_CLOSE, "the host's connection is gone")


class FrameHost(MessageHost):
    """The same with frames going out, for clients whose messages cannot be told from the payload form."""

    def wake(self) -> None:
        while data := self.receiver.link.take(1 << 30):
            frames = [(opcode, payload) for opcode, payload in server_frames(data) if opcode != 8]
            self.sent += [payload.decode() if opcode == 1 else payload for opcode, payload in frames]
            self.receiver.written()


def admission(engine: Engine, request: EngineRequest) -> Refusal | None:
    """Why a request is refused; None: it may open a session, or use its own."""
    refusal = engine.rules.verify(request)
    return engine.rules.admit(request) if refusal is None and not request.sid else refusal


def _messages(payload: bytes) -> list[str | bytes]:
    from support.oracle import split_payload

    packets, good = split_payload(payload)
    assert good
    return packets
