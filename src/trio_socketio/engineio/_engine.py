"""The engine: all sessions of one server, their transports and their timers."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict

from trio_socketio._core import (
    Connection,
    Deflate,
    Dialect,
    Message,
    TimerEvent,
    TimerWheel,
    expire_timers,
    put_off_answers,
)
from trio_socketio.engineio._compression import PerMessageDeflate
from trio_socketio.engineio._context import SessionContext
from trio_socketio.engineio._extensions import choose_subprotocol, negotiate
from trio_socketio.engineio._hooks import EngineHooks
from trio_socketio.engineio._liveness import is_late
from trio_socketio.engineio._options import EngineOptions, TransportName
from trio_socketio.engineio._packet import PacketType
from trio_socketio.engineio._polling import PollingTransport
from trio_socketio.engineio._request import EngineRequest, Headers
from trio_socketio.engineio._rules import Rules
from trio_socketio.engineio._seam import SessionObserver, Transport
from trio_socketio.engineio._session import Session
from trio_socketio.engineio._states import State
from trio_socketio.engineio._upgrade import Candidate, WebSocketTransport
from trio_socketio.errors import DisconnectReason

__all__ = ["Engine"]


class Engine:
    """The sessions of one server. It does no I/O and reads no clock.

    Args:
        options: see ``EngineOptions``.
        connect: called with each new session; returns the observer of that session.
        now: the current time, in seconds.
        logger: the logger for errors.
        hooks: the hooks of the application; None: there are none.

    Attributes:
        sessions: the sessions by session id.
        endings: reports the end of sessions to the layer above.
        rules: decides which requests may open or use a session.
        context: the objects that all sessions share.
        defer: called with a timer that may be due only because the server has not yet read the client's answer. It must
            call ``deal_with`` after all input was read. None: all input was read already.
    """

    def __init__(
        self,
        options: EngineOptions,
        connect: Callable[[Session], SessionObserver],
        now: float,
        logger: logging.Logger,
        hooks: EngineHooks | None = None,
    ) -> None:
        self.options = options
        self.hooks = hooks or EngineHooks()
        self.logger = logger
        self.sessions: dict[str, Session] = {}
        sessions = self.sessions
        self.context = SessionContext(options, logger, lambda sid: sessions.pop(sid, None))
        self.endings = self.context.endings
        self.rules = Rules(options, sessions, self.hooks, logger)
        self.defer: Callable[[Connection, TimerEvent], None] | None = None
        self.wheel = TimerWheel(now)
        self._ticked = now
        self._connect = connect
        can_upgrade = options.allow_upgrades and "websocket" in options.transports
        self._polling_opening = self._opening(["websocket"] if can_upgrade else [])
        self._websocket_opening = self._opening([])
        self._dialects = _dialects(options.per_message_deflate)

    @property
    def clients_count(self) -> int:
        """The number of sessions. A session counts from its handshake until it has ended."""
        return len(self.sessions)

    # sessions

    def new_connection(self, request: EngineRequest) -> Connection:
        """Make a connection object with the limits of this server, for the client that sent this request."""
        options = self.options
        return Connection(
            self.wheel,
            max_message_bytes=options.max_http_buffer_size,
            max_fragments=options.max_fragments,
            max_packets=options.outbox.max_packets,
            max_bytes=options.outbox.max_bytes,
            policy=options.outbox.core_policy,
            dialect=self._dialect(request),
        )

    def _dialect(self, request: EngineRequest) -> Dialect | None:
        if request.revision == 4 and not request.deflate:
            return None
        return self._dialects[request.revision, request.base64, request.deflate]

    def agree(self, request: EngineRequest) -> Headers:
        """Negotiate compression and the subprotocol of an opening handshake; returns header fields for the response.

        If compression was agreed upon, ``request.deflate`` is set.
        """
        agreed: list[tuple[str, str]] = []
        offers = request.headers.get("sec-websocket-extensions")
        compression = self.options.per_message_deflate
        if offers is not None and compression is not None:
            extensions = negotiate(offers, compression.window_bits)
            if extensions is not None:
                request.deflate = True
                agreed.append(("Sec-WebSocket-Extensions", extensions))
        subprotocol = self.choose_subprotocol(request)
        if subprotocol is not None:
            agreed.append(("Sec-WebSocket-Protocol", subprotocol))
        return agreed

    def choose_subprotocol(self, request: EngineRequest) -> str | None:
        """Return the subprotocol for the WebSocket of an opening handshake; None: the client asks for none of ours."""
        asked = request.headers.get("sec-websocket-protocol")
        return None if asked is None else choose_subprotocol(asked, self.options.subprotocols)

    def open_polling(self, request: EngineRequest, now: float) -> PollingTransport:
        """Open a session that starts on polling. The request must have passed ``Rules.admit``."""
        session = self._new_session(request)
        transport = PollingTransport(session)
        self._open(session, transport, self._polling_opening, now)
        return transport

    def open_websocket(
        self, request: EngineRequest, driver: Callable[[Session], WebSocketTransport], now: float
    ) -> WebSocketTransport:
        """Open a session that starts on WebSocket. ``driver`` makes the transport for the session.

        The request must have passed ``Rules.admit``.
        """
        session = self._new_session(request)
        transport = driver(session)
        self._open(session, transport, self._websocket_opening, now)
        return transport

    def _new_session(self, request: EngineRequest) -> Session:
        request.settle()
        return Session(self.context, request.new_sid, request, self.new_connection(request))

    def _open(self, session: Session, transport: Transport, opening: str, now: float) -> None:
        self.sessions[session.sid] = session
        session.observer = self._connect(session)
        packet = f'{{"sid":{json.dumps(session.sid)},{opening}'
        session.open(transport, Message(packet, packet_type=PacketType.OPEN.value), now)

    def _opening(self, upgrades: list[TransportName]) -> str:
        """Encode the part of an open packet after the session id, once. Encoding it per session would take 7 µs."""
        options = self.options
        parameters = {
            "upgrades": upgrades,
            "pingInterval": round(options.ping_interval * 1000),
            "pingTimeout": round(options.ping_timeout * 1000),
            "maxPayload": options.max_http_buffer_size,
        }
        return json.dumps(parameters, separators=(",", ":"))[1:]

    def begin_upgrade(
        self, session: Session, driver: WebSocketTransport, now: float, request: EngineRequest
    ) -> Candidate | None:
        """Make a candidate of a WebSocket that was opened to upgrade a session.

        Returns:
            The candidate. None if the session cannot be upgraded, for example because it has a WebSocket already; then
            close the new one.
        """
        if session.state is not State.OPEN or session.transport.polls is None:
            return None
        return Candidate(session, driver, self.new_connection(request), now)

    # polling

    def polling(self, session: Session) -> PollingTransport:
        """Return the polling transport of a session. The request must have passed ``Rules.verify``."""
        assert isinstance(session.transport, PollingTransport)
        return session.transport

    # time

    def tick(self, now: float) -> float:
        """Handle every timer that is due. Call this again at the returned time; no timer is due before it.

        A call that is much later shows that the server was blocked. Answers to pings may have arrived meanwhile and not
        been read yet, so their deadlines are put off by the time since the last call.
        """
        was_blocked = is_late(now - self.wheel.expected, self.options.ping_timeout)
        if was_blocked:
            put_off_answers(self.wheel, now, now - self._ticked)
        self._ticked = now
        for link, event in expire_timers(self.wheel, now, self.context.ping):
            if (
                self.defer is not None
                and event is not TimerEvent.PING_BEHIND
                and (was_blocked or event is TimerEvent.PING_TIMEOUT)
            ):
                self.defer(link, event)
            else:
                self.deal_with(link, event, now)
        return self.wheel.next_deadline()

    def deal_with(self, link: Connection, event: TimerEvent, now: float, *, put_off: bool = False) -> None:
        """Handle a timer that is due, after all input of the client was read.

        Args:
            link: the connection object that the timer belongs to.
            event: the kind of timer.
            now: the current time, in seconds.
            put_off: whether to wait once more for an overdue answer to a ping, if this was not done before.
        """
        owner = link.owner
        if put_off and event is TimerEvent.PING_TIMEOUT and link.is_overdue and not link.has_waited:
            link.wait_on(now, now + self.options.ping_timeout)
            return
        try:
            if owner is not None:
                owner.on_timer(event, now)
        except Exception:  # a bug in a timer ends one session and does not stop the timers of all others
            self.logger.critical("internal error in a timer", exc_info=True)
            session = owner.session if isinstance(owner, Candidate) else owner
            if isinstance(session, Session):
                session.fail(DisconnectReason.FORCED_SERVER_CLOSE, "internal error")


def _dialects(compression: PerMessageDeflate | None) -> dict[tuple[int, bool, bool], Dialect]:
    """Make one dialect for each combination of revision, base64 and compression."""
    deflates: list[Deflate | None] = [None]
    if compression is not None:
        deflates.append(Deflate(**asdict(compression)))
    return {
        (revision, base64, deflate is not None): Dialect(revision, base64, deflate)
        for revision in (3, 4)
        for base64 in (False, True)
        for deflate in deflates
    }
