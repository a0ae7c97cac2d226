"""An engine without I/O. Tests pass it requests and times, and inspect its calls to the layer above."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import Any

from support.message_host import MessageHost, admission
from trio_socketio._core import Failure, Message
from trio_socketio.engineio import (
    Engine,
    EngineRequest,
    EngineResponse,
    PollingTransport,
    Refusal,
    Session,
)
from trio_socketio.errors import DisconnectReason
from trio_socketio.serving._config import EngineConfig

PATH = "/engine.io/"


@dataclass
class Above:
    """The layer above one session, which records the calls of the session."""

    session: Session
    messages: list[str | bytes] = field(default_factory=list)
    ended: list[tuple[DisconnectReason, str]] = field(default_factory=list)
    alarms: list[float] = field(default_factory=list)
    openings: list[float] = field(default_factory=list)
    upgrades: int = 0
    probes: int = 0
    heartbeats: list[float] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    writable_calls: int = 0

    def opened(self, now: float) -> None:
        self.openings.append(now)

    def text(self, data: bytes, now: float) -> None:
        self.messages.append(data.decode())

    def binary(self, data: bytes, now: float) -> None:
        self.messages.append(data)

    def writable(self) -> None:
        self.writable_calls += 1

    def alarm(self, now: float) -> None:
        self.alarms.append(now)

    def heartbeat(self, now: float) -> None:
        self.heartbeats.append(now)

    def held(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def upgrading(self) -> None:
        self.probes += 1

    def upgraded(self) -> None:
        self.upgrades += 1

    def closed(self, reason: DisconnectReason, description: str) -> None:
        self.ended.append((reason, description))

    @property
    def reason(self) -> DisconnectReason | None:
        assert len(self.ended) <= 1, "a session ends once"
        return self.ended[0][0] if self.ended else None


class Poll:
    """One GET request, which waits or was answered."""

    def __init__(self, polling: PollingTransport) -> None:
        self._polling = polling
        self.response: EngineResponse | None = None
        self._ready = False
        self.response = polling.begin_poll(self._notify)
        self._begun = self.response is None
        self._collect()

    def _notify(self) -> None:
        self._ready = True
        if getattr(self, "_begun", False):
            self._collect()

    def _collect(self) -> None:
        if self._ready and self.response is None:
            self.response = self._polling.collect()
            self._polling.poll_written()

    @property
    def body(self) -> str | None:
        """The body of the response; None while the poll waits."""
        return None if self.response is None else self.response.body.decode()


class Bench:
    """An engine with a clock that the test sets."""

    def __init__(self, **options: Any) -> None:
        self.now = 0.0
        self.open_packet = ""
        self.above: dict[str, Above] = {}
        self.engine = Engine(
            EngineConfig(**options).engine_options(), self._connect, 0.0, logging.getLogger("test.engine")
        )

    def _connect(self, session: Session) -> Above:
        above = self.above[session.sid] = Above(session)
        return above

    def advance(self, seconds: float) -> None:
        """Advance the clock, and call ``tick`` whenever it is due."""
        end = self.now + seconds
        while (due := self.engine.tick(self.now)) <= end:
            self.now = max(due, self.now)
        self.now = end

    # requests

    def request(
        self, query: str, method: str = "GET", *, upgrade: bool = False, secure: bool = False, **headers: str
    ) -> EngineRequest:
        fields = {"host": "example.com", **headers}
        return EngineRequest(method, f"{PATH}?{query}", fields, secure=secure, upgrade=upgrade)

    def verify(self, query: str, method: str = "GET", **options: Any) -> Refusal | None:
        """Return why a request is refused, or None."""
        return admission(self.engine, self.request(query, method, **options))

    def polling(self, query: str = "EIO=4") -> PollingTransport:
        """Open a session on polling, and fetch its open packet."""
        request = self.request(f"{query}&transport=polling")
        assert admission(self.engine, request) is None
        polling = self.engine.open_polling(request, self.now)
        self.open_packet = polling.collect().body.decode()
        polling.poll_written()
        return polling

    def open_parameters(self) -> dict[str, Any]:
        """Open a session on polling, and return the parameters in its open packet."""
        self.polling()
        return open_parameters(self.open_packet)

    def websocket(
        self, sid: str = "", query: str = "EIO=4", host: type[MessageHost] = MessageHost
    ) -> MessageHost:
        """Open a session on WebSocket. With ``sid``, begin the upgrade of that session instead."""
        suffix = f"&sid={sid}" if sid else ""
        return host.open(self.engine, f"{PATH}?{query}&transport=websocket{suffix}", self.now)

    def upgraded(self) -> tuple[Session, MessageHost]:
        """Open a session on polling, and upgrade it to WebSocket."""
        session = self.polling().session
        host = self.websocket(session.sid)
        host.deliver("2probe", self.now)
        host.deliver("5", self.now)
        return session, host

    def post(
        self, polling: PollingTransport, body: bytes | str, content_type: str = "text/plain"
    ) -> EngineResponse:
        """Process a POST request with this body."""
        refused = polling.begin_post(content_type)
        if refused is not None:
            return refused
        packets = polling.packets(body.encode() if isinstance(body, str) else body)
        if isinstance(packets, Failure):
            return polling.end_post(packets)
        for packet in packets:
            polling.session.receive(packet, self.now)
        return polling.end_post(packets.failure)

    def send(self, session: Session, *texts: str, **options: bool) -> None:
        for text in texts:
            session.send(Message(text), **options)


def open_parameters(packet: str | bytes) -> dict[str, Any]:
    """Return the parameters in an open packet."""
    assert isinstance(packet, str)
    assert packet[0] == "0"
    parameters: dict[str, Any] = json.loads(packet[1:])
    return parameters
