"""A host that exchanges whole messages with the engine, without frames and streams.

It uses the same interface of the engine as the stream driver and the reactor. A foreign server with its own
WebSockets can be attached in this way.
"""

from __future__ import annotations

from support.wire import server_frames
from trio_socketio.engineio import Engine, EngineRequest, Receiver, Refusal, TransportName
from trio_socketio.errors import DisconnectReason


class MessageHost:
    """One WebSocket of the foreign server.

    Attributes:
        sent: the messages that the engine has sent so far.
        ended: whether the engine has closed the WebSocket.
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
        """Send at once. Take the output as a payload, and split it into messages."""
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
        """Return None: this host does not track deliveries."""

    # what the foreign server calls

    def deliver(self, message: str | bytes, now: float) -> None:
        self.receiver.receive(message, now)

    def drop(self) -> None:
        self.receiver.lost(DisconnectReason.TRANSPORT_CLOSE, "the host's connection is gone")


class FrameHost(MessageHost):
    """The same, but takes the output as frames, for clients whose messages cannot be recovered from a payload."""

    def wake(self) -> None:
        while data := self.receiver.link.take(1 << 30):
            frames = [(opcode, payload) for opcode, payload in server_frames(data) if opcode != 8]
            self.sent += [payload.decode() if opcode == 1 else payload for opcode, payload in frames]
            self.receiver.written()


def admission(engine: Engine, request: EngineRequest) -> Refusal | None:
    """Return why a request is refused. None: it may open a session, or use the one it names."""
    refusal = engine.rules.verify(request)
    return engine.rules.admit(request) if refusal is None and not request.sid else refusal


def _messages(payload: bytes) -> list[str | bytes]:
    from support.oracle import split_payload

    packets, good = split_payload(payload)
    assert good
    return packets
