"""One Engine.IO session: its heartbeat, its outbox and its end.

A session outlives the TCP connections that serve it. Its *transport* serves it now: the polling transport, or a driver
with a WebSocket. Both have the interface ``Transport``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from trio_socketio._core import (
    CloseFrame,
    Connection,
    Failure,
    Message,
    PushStatus,
    TimerEvent,
    track,
    untrack,
)
from trio_socketio.engineio._context import SessionContext
from trio_socketio.engineio._held import Held
from trio_socketio.engineio._liveness import LITTLE, Delivery, first_look, look
from trio_socketio.engineio._packet import MESSAGE, Packet, PacketType, parse_packet
from trio_socketio.engineio._request import EngineRequest
from trio_socketio.engineio._seam import NULL_OBSERVER, Polls, SessionObserver, Transport, UpgradeCandidate
from trio_socketio.engineio._states import TRANSITIONS, Event, State
from trio_socketio.errors import DisconnectReason

__all__ = ["Session"]

#: The members by number. This is used for each message, and a look-up in the enumeration takes six times as long.
_STATUSES = {int(status): status for status in PushStatus}

#: Pongs are queued up to this many times the limits of the outbox, whatever its policy. Beyond that, pings stay
#: unanswered until the client reads.
PONG_FACTOR = 2

#: The interval at which a waiting poll is released during an upgrade, in seconds. Node uses the same.
NOOP_INTERVAL = 0.1


class Session:
    """One client's Engine.IO session.

    Attributes:
        sid: the session id. It is a bearer secret: never log all of it, never show it to other clients.
        request: the first HTTP request.
        link: the connection object: codec state, heartbeat and outbox.
        candidate: the WebSocket to which the session may be upgraded; None: there is none.
    """

    __slots__ = (
        "__weakref__", "_alarm", "_close_deadline", "_held", "_lingers", "_noop_deadline", "candidate",
        "closed_by_peer", "context", "link", "request", "sid", "state",
    )  # fmt: skip

    def __init__(self, context: SessionContext, sid: str, request: EngineRequest, link: Connection) -> None:
        self.context = context
        self.sid = sid
        self.request = request
        self.link = link
        self.state = State.OPENING
        self._alarm = self._close_deadline = self._noop_deadline = math.inf
        self._held: Held | None = None
        self.candidate: UpgradeCandidate | None = None
        self.closed_by_peer = False
        self._lingers = False
        link.owner = self

    def __repr__(self) -> str:
        return f"<Session {self.sid[:6]}… {self.state.name}>"

    @property
    def transport(self) -> Transport:
        """The transport that serves the session now."""
        return self.link.transport  # type: ignore[return-value]  # ``cast`` would take 0.1 µs

    @property
    def _polls(self) -> Polls:
        """The polls of a session on polling."""
        polls = self.transport.polls
        assert polls is not None
        return polls

    @property
    def observer(self) -> SessionObserver:
        """The observer in the layer above."""
        return self.link.observer  # type: ignore[return-value]  # a cast would cost 20 ns per message

    @observer.setter
    def observer(self, observer: SessionObserver) -> None:
        self.link.observer = observer

    @property
    def revision(self) -> int:
        """The revision of the Engine.IO protocol, 3 or 4."""
        return self.request.revision

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self.link.open

    @property
    def paused(self) -> bool:
        """Whether reading from the client is paused."""
        return self.link.paused

    @property
    def volatile_dropped(self) -> int:
        """The number of volatile messages that were not sent."""
        return self.link.volatile_lost

    def _move(self, event: Event) -> None:
        self.state = TRANSITIONS[self.state][event]
        self.link.open = self.state in (State.OPEN, State.UPGRADING)

    # opening and upgrading

    def open(self, transport: Transport, open_packet: Message, now: float) -> None:
        """Queue the open packet and start the heartbeat."""
        options = self.context.options
        self._serve_by(transport)
        self._move(Event.OPENED)
        self.link.start_heartbeat(now, options.ping_interval, options.ping_timeout)
        self.link.send(open_packet, protected=True)
        if self.context.initial_packet is not None:
            self.link.send(self.context.initial_packet, protected=True)
        untrack(self, self.link, self.request, transport)
        self.observer.opened(now)

    def _serve_by(self, transport: Transport) -> None:
        self.link.transport = transport
        if transport.name == "websocket":
            self.link.set_streaming()

    def candidate_attached(self, candidate: UpgradeCandidate) -> None:
        """Begin an upgrade: a WebSocket was opened that may become the transport."""
        self._move(Event.CANDIDATE)
        self.candidate = candidate

    def candidate_probed(self, now: float) -> None:
        """Release polls, so that the client can stop polling: the first two at once, later ones by a timer."""
        if self.is_open:
            self._noop_deadline = now + NOOP_INTERVAL
            self._set_deadline()
            self._polls.release_all()
            self.observer.upgrading()

    def candidate_lost(self) -> None:
        """Go on with polling, because the candidate has ended. A closing session that does not linger ends."""
        self.candidate = None
        self._noop_deadline = math.inf
        if self.state is State.CLOSED:
            return
        self._move(Event.CANDIDATE_LOST)
        self._polls.hold()
        if self.state is State.CLOSING and not self._lingers:
            self.end()
        self._set_deadline()

    def upgrade(self, candidate: UpgradeCandidate) -> None:
        """Move the session to WebSocket, because the upgrade packet came. The WebSocket sends the queued messages.

        A session that is closing sends its queued messages and the close frame, as if it had been on WebSocket before.
        """
        self._move(Event.UPGRADED)
        self.candidate = None
        self._noop_deadline = self._close_deadline = math.inf
        self._set_deadline()
        polling, transport = self.transport, candidate.driver
        self._serve_by(transport)
        self.link.adopt(candidate.link)
        polling.abort(goodbye=False)
        if not self.is_open:
            self.link.close(candidate.close_code)
            transport.close()
            return
        track(polling)
        untrack(transport)
        self.observer.upgraded()
        if self.link.has_output:
            transport.wake()

    # receiving

    def receive(self, packet: str | bytes | CloseFrame | Failure, now: float) -> None:
        """Take one packet from the transport (Engine.IO protocol, "Packet types")."""
        if not self.is_open:
            return
        if (
            type(packet) is str and packet[:1] == MESSAGE
        ):  # fast path for the most frequent packet: to make a Packet takes 1 µs
            self.link.heard(now)
            self.observer.text(packet[1:].encode("utf-8", "surrogatepass"), now)
        elif type(packet) is bytes and self.revision == 4:
            self.link.heard(now)
            self.observer.binary(packet, now)
        elif isinstance(packet, str | bytes):
            self._receive(parse_packet(packet, self.revision), now)
        elif isinstance(packet, CloseFrame):
            # The answering close frame has the same code (RFC 6455 section 5.5.1). 1005 means that there was no code.
            description = f"the client closed the WebSocket with code {packet.code}"
            self.close(DisconnectReason.TRANSPORT_CLOSE, description, now=now, code=packet.code, by_peer=True)
        else:
            assert isinstance(packet, Failure)
            self.fail(DisconnectReason.TRANSPORT_ERROR, packet.text, code=packet.close_code)

    def _receive(self, packet: Packet | Failure, now: float) -> None:
        if isinstance(packet, Failure):
            self.fail(DisconnectReason.PARSE_ERROR, packet.text)
            return
        packet_type, data = packet
        if packet_type is PacketType.MESSAGE:
            assert isinstance(data, bytes)  # ``receive`` handles text messages itself
            self.link.heard(now)
            self.observer.binary(data, now)
        elif packet_type in (PacketType.PING, PacketType.PONG):
            self._beat(packet_type, now)
        elif packet_type is PacketType.CLOSE:
            description = "the client sent a close packet"
            self.close(DisconnectReason.TRANSPORT_CLOSE, description, now=now, by_peer=True)
        else:
            what = f"a packet of type {packet_type.value!r}"
            self.fail(DisconnectReason.PARSE_ERROR, f"unexpected from a client: {what}")

    def received(self, size: int, now: float) -> None:
        """Note that ``size`` bytes of an unfinished message came through polling."""
        if self.is_open:
            self.link.received(size, now)

    def _beat(self, packet_type: PacketType, now: float) -> None:
        """Handle a ping or a pong. In revision 3 the client sends the pings; pongs do not repeat the data of a ping."""
        if packet_type is not (PacketType.PING if self.revision == 3 else PacketType.PONG):
            self.fail(DisconnectReason.TRANSPORT_ERROR, "invalid heartbeat direction")
            return
        if packet_type is PacketType.PONG:
            self.link.pong(now)
        else:
            self.link.pinged(now)
            self.link.send_protected(self.context.pong, PONG_FACTOR)
        self.observer.heartbeat(now)

    def pause(self, now: float) -> None:
        """Stop reading from the client. Pings are still sent; the deadline for their answers is suspended."""
        if not self.paused:
            options = self.context.options
            self.link.paused = True
            self.link.suspend_heartbeat()
            if self.transport.polls is not None:
                self.transport.polls.was_polled()  # earlier polls do not count
            every = options.ping_timeout / (2 if self.revision == 3 else 1)
            self._held = Held(now, options.ping_interval + options.ping_timeout, every)
            self._set_deadline()

    def resume(self, now: float) -> None:
        """Read from the client again, and restart the deadline of the heartbeat."""
        held = self._held
        if held is not None:
            self.link.paused = False
            self._held = None
            self._set_deadline()
            if self.is_open:
                self.link.resume_heartbeat(now)
                self.transport.resume()
            held.end()

    def call_after_pause(self, notify: Callable[[], None]) -> None:
        """Call a function once, when the client is read again or the session has ended."""
        if self._held is None:
            notify()
        else:
            self._held.call_at_end(notify)

    def _end_pause(self) -> None:
        held, self._held = self._held, None
        self.link.paused = False
        if held is not None:
            held.end()

    # sending

    def send(self, message: Message, *, protected: bool = False, volatile: bool = False) -> PushStatus:
        """Queue a message.

        Args:
            message: the message.
            protected: queue it even if the outbox is full, and never drop it.
            volatile: drop it if earlier bytes are still unsent.

        Returns:
            ``OK``, ``DROPPED`` (by the policy, or because the session is closing), or ``FULL``.
        """
        return _STATUSES[self.link.send(message, protected, volatile)]

    def written(self, now: float = math.nan) -> None:
        """Note that the output that the transport had taken is written."""
        if self.link.confirm(now):
            delivery = self.transport.delivery(now)
            self.link.is_behind = delivery is not None and delivery.outstanding > LITTLE
        self.observer.writable()

    # time

    def set_alarm(self, deadline: float) -> None:
        """Call ``observer.alarm`` at this time; infinity for never."""
        self._alarm = deadline
        self._set_deadline()

    def on_timer(self, event: TimerEvent, now: float) -> None:
        """Handle a timer of this session that is due."""
        if self.state is State.CLOSED:
            return
        if event is TimerEvent.PING_TIMEOUT:
            if self.link.is_overdue:
                self._answer_is_overdue(now)
        elif event is TimerEvent.PING_BEHIND:
            self._ping_is_behind(now)
        else:
            self._on_deadline(now)

    def _outstanding(self, now: float) -> tuple[Delivery, int] | None:
        """Return how far the client has received what was written, and how many bytes are still to be written."""
        delivery = self.transport.delivery(now)
        if delivery is None:
            return None
        if self.transport.polls is not None:  # queued messages wait for a poll, not for the network
            return delivery, self.link.inflight_bytes
        return delivery, self.link.inflight_bytes + self.link.queued_bytes

    def _ping_is_behind(self, now: float) -> None:
        """Note the progress of the client: a ping was queued behind other messages, and its answer may be late."""
        outstanding = self._outstanding(now)
        if outstanding is not None:
            self.context.looks[self.sid] = first_look(*outstanding)
            self.link.has_waited = True

    def _answer_is_overdue(self, now: float) -> None:
        """Handle an overdue answer: wait longer if the client still receives what is sent, else end the session."""
        link, looks = self.link, self.context.looks
        last = looks.pop(self.sid, None) if link.has_waited else None
        outstanding = self._outstanding(now)
        if outstanding is not None:
            delivery, queued = outstanding
            is_behind = link.ping_is_queued or link.is_behind
            if self.revision == 3:
                is_behind = delivery.outstanding + queued > LITTLE
            verdict = look(last, delivery, queued, self.context.options.ping_timeout, is_behind=is_behind)
            if verdict is not None:
                seconds, looks[self.sid] = verdict
                link.wait_on(now, now + seconds)
                return
        self._time_out()

    def _time_out(self) -> None:
        options = self.context.options
        if self.revision == 3:
            description = f"no ping for {options.ping_interval + options.ping_timeout:g} s"
        else:
            description = f"no answer to a ping for {options.ping_timeout:g} s"
        self.fail(DisconnectReason.PING_TIMEOUT, description)

    def _on_deadline(self, now: float) -> None:
        if self._close_deadline <= now:
            self.end()
            return
        if self._noop_deadline <= now:
            self._noop_deadline = now + NOOP_INTERVAL
            self._polls.release()
        if self._alarm <= now:
            self._alarm = math.inf
            self.observer.alarm(now)
        if self._held is not None and self._held.look_at <= now:
            self._look_at_pause(self._held, now)
        self._set_deadline()

    def _look_at_pause(self, held: Held, now: float) -> None:
        """Report a long pause, and end the session if the client has stopped polling."""
        options = self.context.options
        patience = options.ping_interval + options.ping_timeout
        if held.is_reported(now):
            self.observer.held(patience)
        polls = self.transport.polls
        if held.look(now, polled=polls is None or polls.was_polled()):
            self.fail(DisconnectReason.PING_TIMEOUT, f"no poll for {patience:g} s")
        elif self.revision == 3:
            # The client's ping may wait unread, and the client closes if no pong comes within its timeout.
            self.link.send_protected(self.context.pong, 1)

    def _set_deadline(self) -> None:
        if self.state is not State.CLOSED:
            deadline = min(self._alarm, self._noop_deadline, self._close_deadline)
            if self._held is not None:
                deadline = min(deadline, self._held.look_at)
            self.link.set_deadline(deadline)

    # the end

    def close(
        self,
        reason: DisconnectReason,
        description: str = "",
        *,
        now: float,
        code: int = 1000,
        by_peer: bool = False,
        linger: bool = False,
        deadline: float = math.inf,
    ) -> None:
        """Close the session. Queued messages are still sent.

        During an upgrade they are sent by the next poll or, if the upgrade packet comes first, by the WebSocket.

        Args:
            reason: the reason that is reported to the layer above.
            description: details of the reason, for people.
            now: the current time, in seconds.
            code: the close code for a WebSocket (RFC 6455 section 7.4). 1005: the close frame has no code.
            by_peer: the client has closed the session. A waiting poll is then answered with a noop packet.
            linger: a client on polling may fetch queued messages and the close packet for ``polling_close_timeout``.
            deadline: when the session ends at the latest, unless it is on WebSocket.
        """
        if not self.is_open:
            return
        self._move(Event.CLOSE)
        self.closed_by_peer = by_peer
        self._lingers = linger
        self._end_pause()
        self.link.close(code if code != 1005 else 0)
        self.link.stop_heartbeat()
        self._alarm = self._noop_deadline = math.inf
        if self.transport.polls is not None:
            self._close_deadline = min(deadline, now + self.context.options.polling_close_timeout)
        self._set_deadline()
        if self.candidate is not None:
            self.candidate.session_closes(code, by_peer)
        observer = self._release_observer()
        try:  # close the transport first: the application may call any method during the report
            if by_peer and self.transport.polls is not None:
                self.transport.abort(goodbye=False)
                self.end()
            else:
                self.transport.close()
        finally:
            self.context.endings.report(observer, reason, description)

    @property
    def lingers(self) -> bool:
        """Whether a closing session waits for later polls or an upgrade to send its queued messages."""
        return self._lingers or self.candidate is not None

    def fail(self, reason: DisconnectReason, description: str, *, code: int = 1002) -> None:
        """End the session at once. Queued messages are discarded."""
        if not self.is_open:
            return
        self.link.discard()
        self.link.close(code or 1002)
        self.context.logger.info("session %s… ended: %s (%s)", self.sid[:6], reason, description)
        observer = self._release_observer()
        self.end()
        try:
            self.transport.abort(goodbye=True)
        finally:
            self.context.endings.report(observer, reason, description)

    def lost(self, reason: DisconnectReason, description: str) -> None:
        """End the session, because its transport has ended."""
        if self.state is not State.CLOSED:
            observer = self._release_observer()
            self.end()
            self.context.endings.report(observer, reason, description)

    def end(self) -> None:
        """Release all that the session holds, and remove it from the engine. The observer is not called."""
        if self.state is State.CLOSED:
            return
        self._move(Event.END)
        self._end_pause()
        self.link.detach()
        self.link.close_outbox()
        self.link.owner = None
        self._drop_candidate()
        self.context.looks.pop(self.sid, None)
        self.context.forget(self.sid)

    def _drop_candidate(self) -> None:
        if self.candidate is not None:
            self.candidate.session_ended()

    def _release_observer(self) -> SessionObserver:
        """Detach the observer and return it. The only call that it still gets is ``closed``."""
        track(self, self.link, self.transport)
        observer, self.observer = self.observer, NULL_OBSERVER
        return observer
