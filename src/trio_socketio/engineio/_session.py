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
    TimerEvent,
    track,
    untrack,
)
from trio_socketio.engineio._context import SessionContext
from trio_socketio.engineio._packet import MESSAGE
from trio_socketio.engineio._pause import Pause
from trio_socketio.engineio._receiving import receive
from trio_socketio.engineio._request import EngineRequest
from trio_socketio.engineio._seam import NULL_OBSERVER, SessionObserver, Transport, UpgradeCandidate
from trio_socketio.engineio._session_base import SessionBase
from trio_socketio.engineio._states import Event, State
from trio_socketio.errors import DisconnectReason

__all__ = ["Session"]


class Session(SessionBase):
    """One client's Engine.IO session.

    Attributes:
        candidate: the WebSocket to which the session may be upgraded; None: there is none.
        closed_by_peer: whether the client has closed the session.
    """

    __slots__ = ("_alarm", "_close_deadline", "_lingers", "_pause", "candidate", "closed_by_peer")

    def __init__(self, context: SessionContext, sid: str, request: EngineRequest, link: Connection) -> None:
        super().__init__(context, sid, request, link)
        self._alarm = self._close_deadline = math.inf
        self._pause: Pause | None = None
        self.candidate: UpgradeCandidate | None = None
        self.closed_by_peer = False
        self._lingers = False
        link.owner = self

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

    def candidate_attached(self, candidate: UpgradeCandidate) -> None:
        """Begin an upgrade: a WebSocket was opened that may become the transport."""
        self._move(Event.CANDIDATE)
        self.candidate = candidate

    def candidate_lost(self) -> None:
        """Go on with polling, because the candidate has ended. A closing session that does not linger ends."""
        self.candidate = None
        if self.state is State.CLOSED:
            return
        self._move(Event.CANDIDATE_LOST)
        if self.state is State.CLOSING and not self._lingers:
            self.end()

    def upgrade(self, candidate: UpgradeCandidate) -> None:
        """Move the session to WebSocket, because the upgrade packet came. The WebSocket sends the queued messages.

        A session that is closing sends its queued messages and the close frame, as if it had been on WebSocket before.
        """
        self._move(Event.UPGRADED)
        self.candidate = None
        self._close_deadline = math.inf
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
        """Take one packet from the transport."""
        link = self.link
        if not link.open:
            return
        # Fast path for messages, the most frequent packets: to make a ``Packet`` takes 1 µs.
        if type(packet) is str and packet[:1] == MESSAGE:
            link.heard(now)
            link.observer.text(packet[1:].encode("utf-8", "surrogatepass"), now)  # type: ignore[union-attr]
        elif type(packet) is bytes and self.revision == 4:
            link.heard(now)
            link.observer.binary(packet, now)  # type: ignore[union-attr]
        else:
            receive(self, packet, now)

    def pause(self, now: float) -> None:
        """Stop reading from the client. Pings are still sent; the deadline for their answers is suspended."""
        if not self.paused:
            self._pause = Pause(self, now)
            self._set_deadline()

    def resume(self, now: float) -> None:
        """Read from the client again, and restart the deadline of the heartbeat."""
        pause = self._pause
        if pause is not None:
            self.link.paused = False
            self._pause = None
            self._set_deadline()
            if self.is_open:
                self.link.resume_heartbeat(now)
                self.transport.resume()
            pause.end()

    def call_after_pause(self, notify: Callable[[], None]) -> None:
        """Call a function once, when the client is read again or the session has ended."""
        if self._pause is None:
            notify()
        else:
            self._pause.call_at_end(notify)

    def _end_pause(self) -> None:
        pause, self._pause = self._pause, None
        self.link.paused = False
        if pause is not None:
            pause.end()

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
                self.context.overdue_answers.wait_or_end(self, now)
        elif event is TimerEvent.PING_BEHIND:
            self.context.overdue_answers.ping_is_behind(self, now)
        else:
            self._on_deadline(now)

    def _on_deadline(self, now: float) -> None:
        if self._close_deadline <= now:
            self.end()
            return
        if self._alarm <= now:
            self._alarm = math.inf
            self.observer.alarm(now)
        if self._pause is not None and self._pause.look_at <= now:
            gone = self._pause.look(self, now)
            if gone is not None:
                self.fail(DisconnectReason.PING_TIMEOUT, gone)
        self._set_deadline()

    def _set_deadline(self) -> None:
        if self.state is not State.CLOSED:
            deadline = min(self._alarm, self._close_deadline)
            if self._pause is not None:
                deadline = min(deadline, self._pause.look_at)
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
        self._alarm = math.inf
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
        if self.candidate is not None:
            self.candidate.session_ended()
        self.context.overdue_answers.forget(self.sid)
        self.context.forget(self.sid)

    def _release_observer(self) -> SessionObserver:
        """Detach the observer and return it. The only call that it still gets is ``closed``."""
        track(self, self.link, self.transport)
        observer, self.observer = self.observer, NULL_OBSERVER
        return observer
