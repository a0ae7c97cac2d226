"""All sessions of one server: who may open one, who may use one, and what time it is for them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

from trio_socketio._core import Connection, Message, TimerWheel, expire_timers
from trio_socketio.engineio._options import EngineOptions, TransportName
from trio_socketio.engineio._polling import PollingTransport
from trio_socketio.engineio._request import EngineRequest, Refusal, is_same_origin
from trio_socketio.engineio._seam import SessionObserver, Transport
from trio_socketio.engineio._session import Session, State
from trio_socketio.engineio._upgrade import Candidate, WebSocketTransport
from trio_socketio.errors import DisconnectReason

__all__ = ["Engine"]

#: The revision of the Engine.IO protocol.
PROTOCOL = "4"


class Engine:
    """The sessions of one server. It does no I/O and reads no clock.

    Args:
        options: see ``EngineOptions``.
        connect: called with each new session, returns its observer.
        now: the current time, in seconds.

    Attributes:
        sessions: by session id.
        refused: how many requests were refused, by context.
    """

    def __init__(
        self,
        options: EngineOptions,
        connect: Callable[[Session], SessionObserver],
        now: float,
        logger: logging.Logger,
    ) -> None:
        self.options = options
        self.logger = logger
        self.sessions: dict[str, Session] = {}
        self.refused: dict[str, int] = {}
        self.wheel = TimerWheel(now)
        self.ping = Message("", packet_type="2")
        self.probe_answer = Message("probe", packet_type="3")
        self._connect = connect
        can_upgrade = options.allow_upgrades and "websocket" in options.transports
        self._polling_opening = self._opening(["websocket"] if can_upgrade else [])
        self._websocket_opening = self._opening([])
        self._held_posts: dict[Session, Callable[[], None]] = {}

    @property
    def clients_count(self) -> int:
        """How many sessions there are, from the handshake to the end."""
        return len(self.sessions)

    # who may

    def verify(self, request: EngineRequest) -> Refusal | None:
        """Why this request is refused, or None. The order of the checks is Node's."""
        refusal = self._verify(request)
        if refusal is not None:
            self.refused[refusal.context] = self.refused.get(refusal.context, 0) + 1
            self.logger.debug("refused %s request: %s", request.method, refusal.context)
        return refusal

    def _verify(self, request: EngineRequest) -> Refusal | None:
        transport = request.query.get("transport")
        if transport not in self.options.transports:
            return Refusal.TRANSPORT_UNKNOWN
        if not self._origin_allowed(request):
            return Refusal.FORBIDDEN
        if request.sid:
            return self._verify_session(request)
        if request.method != "GET":
            return Refusal.METHOD
        if request.upgrade != (transport == "websocket"):
            return Refusal.TRANSPORT_HANDSHAKE
        if request.query.get("EIO") != PROTOCOL:
            return Refusal.PROTOCOL_VERSION
        return self._generate_id(request)

    def _generate_id(self, request: EngineRequest) -> Refusal | None:
        try:
            request.new_sid = self.options.generate_id()
        except Exception:
            self.logger.exception("generate_id failed: no session is opened")
            return Refusal.ID_GENERATION
        if not request.new_sid or request.new_sid in self.sessions:
            self.logger.error("generate_id gave a blank id or one in use: no session is opened")
            return Refusal.ID_GENERATION
        return None

    def _verify_session(self, request: EngineRequest) -> Refusal | None:
        session = self.sessions.get(request.sid)
        if session is None:
            return Refusal.SESSION_UNKNOWN
        if request.query.get("EIO") != PROTOCOL:  # that all sessions were opened with
            return Refusal.PROTOCOL_MISMATCH
        if request.upgrade:
            if request.query["transport"] != "websocket":
                return Refusal.TRANSPORT_MISMATCH
            return None if self.options.allow_upgrades else Refusal.UPGRADE_NOT_ALLOWED
        if not request.query["transport"] == session.transport.name == "polling":
            return Refusal.TRANSPORT_MISMATCH
        return None

    def _origin_allowed(self, request: EngineRequest) -> bool:
        origin = request.origin
        if origin is None or "*" in self.options.cors or origin in self.options.cors:
            return True
        if is_same_origin(origin, request.headers.get("host", ""), secure=request.secure):
            return True
        self.logger.warning(
            "refused a request from origin %.200r: it is not the server's own; allow it with cors=[...]",
            origin,
        )
        return False

    # sessions

    def new_connection(self) -> Connection:
        """A connection object with this server's limits."""
        options = self.options
        return Connection(
            self.wheel,
            max_message_bytes=options.max_http_buffer_size,
            max_fragments=options.max_fragments,
            max_packets=options.outbox.max_packets,
            max_bytes=options.outbox.max_bytes,
            policy=options.outbox.core_policy,
        )

    def open_polling(self, request: EngineRequest, now: float) -> PollingTransport:
        """Open a session that starts on polling; the request has passed ``verify``."""
        session = self._new_session(request)
        transport = PollingTransport(session)
        self._open(session, transport, self._polling_opening, now)
        return transport

    def open_websocket(
        self, request: EngineRequest, driver: Callable[[Session], WebSocketTransport], now: float
    ) -> WebSocketTransport:
        """Open a session that starts on WebSocket; ``driver`` makes the transport that feeds it.

        The request has passed ``verify``.
        """
        session = self._new_session(request)
        transport = driver(session)
        self._open(session, transport, self._websocket_opening, now)
        return transport

    def _new_session(self, request: EngineRequest) -> Session:
        request.settle()
        return Session(self, request.new_sid, request, self.new_connection())

    def _open(self, session: Session, transport: Transport, opening: str, now: float) -> None:
        self.sessions[session.sid] = session
        session.observer = self._connect(session)
        packet = f'{{"sid":{json.dumps(session.sid)},{opening}'
        session.open(transport, Message(packet, packet_type="0"), now)

    def _opening(self, upgrades: list[TransportName]) -> str:
        """The JSON of an open packet, behind the session id. To encode all of it each time takes 7 µs."""
        options = self.options
        parameters = {
            "upgrades": upgrades,
            "pingInterval": round(options.ping_interval * 1000),
            "pingTimeout": round(options.ping_timeout * 1000),
            "maxPayload": options.max_http_buffer_size,
        }
        return json.dumps(parameters, separators=(",", ":"))[1:]

    def begin_upgrade(self, session: Session, driver: WebSocketTransport, now: float) -> Candidate | None:
        """A WebSocket was opened for a polling session; None: the session has one already, close this."""
        if session.state is not State.OPEN or session.transport.name != "polling":
            return None
        return Candidate(session, driver, self.new_connection(), now)

    def forget(self, session: Session) -> None:
        """The session is over."""
        self.sessions.pop(session.sid, None)

    # polling

    def polling(self, session: Session) -> PollingTransport:
        """The polling transport of a session that passed ``verify`` for polling."""
        assert isinstance(session.transport, PollingTransport)
        return session.transport

    def release_poll(self, session: Session) -> None:
        """Let a waiting poll go, so that the client can stop polling."""
        if isinstance(session.transport, PollingTransport):
            session.transport.release()

    def hold_post(self, session: Session, notify: Callable[[], None]) -> None:
        """A POST's answer is withheld until the session reads on."""
        self._held_posts[session] = notify

    def wake_post(self, session: Session) -> None:
        """The session reads on, or has ended."""
        notify = self._held_posts.pop(session, None)
        if notify is not None:
            notify()

    # time

    def tick(self, now: float) -> float:
        """Deal with every timer that is due; returns a time before which nothing is."""
        for conn, event in expire_timers(self.wheel, now, self.ping):
            owner: Session | Candidate | None = conn.owner
            try:
                if owner is not None:
                    owner.on_timer(event, now)
            except Exception:  # a mistake of ours ends one session, not the time of all
                self.logger.critical("internal error in a timer", exc_info=True)
                if isinstance(owner, Session):
                    owner.fail(DisconnectReason.FORCED_SERVER_CLOSE, "internal error")
        return self.wheel.next_deadline()
