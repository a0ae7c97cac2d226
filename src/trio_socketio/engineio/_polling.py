"""HTTP long-polling, without the HTTP: one waiting poll, one POST, and what they are answered with.

The driver calls ``begin_poll`` or ``begin_post``, reads and writes, and reports back. Source: Engine.IO protocol
revision 4, "HTTP long-polling", "Payload encoding", "Upgrade".
"""

from __future__ import annotations

from collections.abc import Callable

from trio_socketio._core import Failure, split_payload
from trio_socketio.engineio._options import TransportName
from trio_socketio.engineio._request import EngineResponse
from trio_socketio.engineio._session import Session, State
from trio_socketio.errors import DisconnectReason

__all__ = ["BAD_REQUEST", "POST_OK", "POST_TOO_LARGE", "PollingTransport"]

NOOP, CLOSE = b"6", b"1"
SEPARATOR = b"\x1e"

#: More than any outbox holds: a poll takes all that is queued.
EVERYTHING = 1 << 40


def _text(body: bytes) -> EngineResponse:
    headers = [
        ("Content-Type", "text/plain; charset=UTF-8"),
        ("Content-Length", str(len(body))),
        ("cache-control", "no-store"),
    ]
    return EngineResponse(200, headers, body)


BAD_REQUEST = EngineResponse(400, [("Content-Length", "0")])
POST_OK = EngineResponse(
    200, [("Content-Type", "text/html"), ("Content-Length", "2"), ("cache-control", "no-store")], b"ok"
)
#: The rest of the body is never read, so the TCP connection cannot be used again; the session lives on.
POST_TOO_LARGE = EngineResponse(413, [("Content-Length", "0")], close=True)


class PollingTransport:
    """The polling transport of one session."""

    __slots__ = ("_answer", "_goodbye_sent", "_notify", "_posting", "_took", "session")

    name: TransportName = "polling"
    driver = "polling"

    def __init__(self, session: Session) -> None:
        self.session = session
        self._notify: Callable[[], None] | None = None
        self._answer: bytes | None = None
        self._posting = False
        self._took = False
        self._goodbye_sent = False

    # the seam

    def wake(self) -> None:
        """There is output: answer the waiting poll."""
        if self._notify is not None:
            self._notify()

    def resume(self) -> None:
        """Nothing: a POST whose answer is withheld is woken through ``Engine.hold_post``."""

    def close(self) -> None:
        """Answer the waiting poll with the rest or a close packet, or keep both for the next poll."""
        if self._notify is not None:
            self._notify()
        elif not self.session.lingers:
            self.session.end()

    def abort(self, *, goodbye: bool) -> None:
        """Release the waiting poll."""
        if self._notify is not None:
            self._answer = CLOSE if goodbye else NOOP
            self._notify()

    # GET

    def begin_poll(self, notify: Callable[[], None]) -> EngineResponse | None:
        """A GET has come.

        Args:
            notify: called, possibly more than once, when there is something to answer.

        Returns:
            The refusal of an overlapping poll; or None: ``collect`` after ``notify`` was called.
        """
        if self._notify is not None:
            self.session.fail(DisconnectReason.TRANSPORT_ERROR, "overlap of two polls")
            return BAD_REQUEST
        self._set_waiting(notify)
        if self.session.conn.queued_packets or self.session.state is State.CLOSING:
            notify()
        return None

    def _set_waiting(self, notify: Callable[[], None] | None) -> None:
        self._notify = notify
        self.session.conn.set_poll_waits(notify is not None)

    def release(self) -> None:
        """Answer the waiting poll with a noop packet, if there is nothing better."""
        if self._notify is not None and not self.session.conn.queued_packets:
            self._answer = NOOP
            self._notify()

    def collect(self) -> EngineResponse:
        """The answer to the poll that was waiting; report with ``poll_written`` or ``poll_lost``."""
        self._set_waiting(None)
        body, self._answer = self._answer, None
        self._took = body is None
        if body is None:
            body = self.session.conn.take_payload(EVERYTHING)
            if self.session.state is State.CLOSING and not (body and self.session.lingers):
                # Clients obey a close packet before they hand over the messages beside it, so it rather comes alone.
                body = body + SEPARATOR + CLOSE if body else CLOSE
                self._goodbye_sent = True
        return _text(body)

    def poll_written(self) -> None:
        """The answer to a poll is written."""
        if self._took:  # a noop took nothing: after an upgrade, what is in flight is the WebSocket's
            self.session.written()
        if self._goodbye_sent:
            self.session.end()

    def poll_lost(self, description: str) -> None:
        """The client vanished while its poll was waiting or being answered."""
        self._set_waiting(None)
        if self.session.transport is self:
            if self.session.is_open:
                self.session.fail(DisconnectReason.TRANSPORT_ERROR, description)
            else:
                self.session.end()

    # POST

    def begin_post(self, content_type: str) -> EngineResponse | None:
        """A POST has come; returns its refusal, or None: read the body, then ``packets``, then ``end_post``."""
        description = ""
        if self._posting:
            description = "overlap of two POSTs"
        elif content_type.partition(";")[0].strip().lower() == "application/octet-stream":
            description = "invalid content: a payload of revision 4 is text"
        if description:
            self.session.fail(DisconnectReason.TRANSPORT_ERROR, description)
            return BAD_REQUEST
        self._posting = True
        return None

    def packets(self, body: bytes) -> tuple[list[str | bytes], Failure | None]:
        """The packets of a body: those before the first bad one, and what was wrong with that."""
        return split_payload(body, self.session.engine.options.max_payload_packets)

    def end_post(self, failure: Failure | None) -> EngineResponse:
        """All packets were handed over; the answer."""
        self._posting = False
        if failure is not None:
            self.session.fail(DisconnectReason.PARSE_ERROR, failure.text)
        if self.session.state is State.CLOSED and not self.session.closed_by_peer:
            return BAD_REQUEST
        return POST_OK

    def post_lost(self, description: str) -> None:
        """The body never came whole; nothing of it is handed over."""
        self._posting = False
        if self.session.transport is self and self.session.is_open:
            self.session.fail(DisconnectReason.TRANSPORT_ERROR, description)

    def post_refused(self) -> None:
        """The body was not read, for its size; the session lives on."""
        self._posting = False
