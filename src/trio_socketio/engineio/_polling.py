"""HTTP long-polling, without the HTTP: one waiting poll, one POST, and what they are answered with.

The driver calls ``begin_poll`` or ``begin_post``, reads and writes, and reports back. Source: Engine.IO protocol
revision 4, "HTTP long-polling", "Upgrade"; the same in revision 3, but for its payloads.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum, auto

from trio_socketio._core import Failure, PayloadReader
from trio_socketio.engineio import _jsonp
from trio_socketio.engineio._liveness import Delivery
from trio_socketio.engineio._options import TransportName
from trio_socketio.engineio._packet import PacketType
from trio_socketio.engineio._payload import (
    PAYLOADS3,
    PAYLOADS3_BYTES,
    PAYLOADS4,
    Payloads,
    hears_bytes_alone,
    is_binary,
)
from trio_socketio.engineio._request import EngineResponse
from trio_socketio.engineio._session import Session
from trio_socketio.engineio._states import State
from trio_socketio.errors import DisconnectReason

__all__ = ["BAD_REQUEST", "POST_OK", "POST_TOO_LARGE", "PollingTransport"]

#: More than any outbox holds: a poll takes all that is queued.
EVERYTHING = 1 << 40


def _response(body: bytes, content_type: str, *, compress: bool) -> EngineResponse:
    headers = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("cache-control", "no-store"),
    ]
    return EngineResponse(200, headers, body, compress=compress)


BAD_REQUEST = EngineResponse(400, [("Content-Length", "0")])
POST_OK = EngineResponse(
    200, [("Content-Type", "text/html"), ("Content-Length", "2"), ("cache-control", "no-store")], b"ok"
)
#: The rest of the body is never read, so the TCP connection cannot be used again; the session lives on.
POST_TOO_LARGE = EngineResponse(413, [("Content-Length", "0")], close=True)


def _payloads(session: Session) -> Payloads:
    request = session.request
    if session.revision == 4:
        return PAYLOADS4
    is_old = not request.base64 and hears_bytes_alone(request.query.get("t", ""))
    return PAYLOADS3_BYTES if is_old else PAYLOADS3


class Messages(Enum):
    """Where the messages of the answer to a poll are."""

    NONE = auto()  #: there is no answer, it holds none, or it is written
    TAKEN = auto()  #: they are in the answer, and the kernel has none of it
    ON_THEIR_WAY = auto()  #: the answer is being written
    PUT_BACK = auto()  #: they are in the outbox again, for a WebSocket


class PollingTransport:
    """The polling transport of one session. Its first request decides whether all are JSONP.

    Attributes:
        session: the session.
        releases_next: the next poll is answered at once, for an upgrade is under way.
    """

    __slots__ = (
        "_answer", "_delivery", "_goodbye_sent", "_max_bytes", "_messages", "_notify", "_payloads", "_polled",
        "_post_type", "_posting", "releases_next", "session",
    )  # fmt: skip

    name: TransportName = "polling"
    driver = "polling"

    def __init__(self, session: Session) -> None:
        self.session = session
        self._payloads = _payloads(session)
        self._max_bytes = 1  # the open packet comes alone
        self._post_type = ""
        self._notify: Callable[[], None] | None = None
        self._answer: PacketType | None = None
        self._polled = False
        self._posting = False
        self._messages = Messages.NONE
        self._goodbye_sent = False
        self.releases_next = False
        self._delivery: Callable[[], Delivery | None] | None = None

    # the seam

    def wake(self) -> None:
        """There is output: answer the waiting poll."""
        if self._notify is not None:
            self._notify()

    @property
    def polls(self) -> PollingTransport:
        """Itself, as the session controls polls through it."""
        return self

    def resume(self) -> None:
        """Nothing happens: ``hold_post`` has told the session what to wake."""

    def close(self) -> None:
        """Answer the waiting poll with the rest or a close packet, or keep both for the next poll."""
        if self._notify is not None:
            self._notify()
        elif not self.session.lingers:
            self.session.end()

    def abort(self, *, goodbye: bool) -> None:
        """Release the waiting poll."""
        if self.session.transport is not self:  # an upgrade has taken over
            self._take_back()
        if self._notify is not None:
            self._answer = PacketType.CLOSE if goodbye else PacketType.NOOP
            self._notify()

    def _take_back(self) -> None:
        """What a poll took goes out through the WebSocket, if nothing of the answer was handed to the kernel."""
        if self._messages is Messages.TAKEN:
            self._messages = Messages.PUT_BACK
            self.session.link.put_back()

    def delivery(self, now: float) -> Delivery | None:
        """Of the connection that carries, or has carried, the last answer to a poll."""
        return None if self._delivery is None else self._delivery()

    @property
    def _took(self) -> bool:
        """Whether the answer to a poll holds messages that are not written."""
        return self._messages is Messages.TAKEN or self._messages is Messages.ON_THEIR_WAY

    # GET

    def answered_by(self, delivery: Callable[[], Delivery | None]) -> None:
        """The connection that a poll is answered through: how far it has been received, asked when it matters."""
        self._delivery = delivery

    def begin_poll(self, notify: Callable[[], None]) -> EngineResponse | None:
        """A GET has come.

        Args:
            notify: called, possibly more than once, when there is something to answer.

        Returns:
            The refusal of an overlapping poll, or of one for a session that was over before it could be asked for;
            or None: ``collect`` after ``notify`` was called.
        """
        if self.session.state is State.CLOSED:
            return BAD_REQUEST
        if self._notify is not None:
            self.session.fail(DisconnectReason.TRANSPORT_ERROR, "overlap of two polls")
            return BAD_REQUEST
        self._set_waiting(notify)
        self._polled = True
        releases, self.releases_next = self.releases_next, False
        if self.session.link.queued_packets or self.session.state is State.CLOSING:
            notify()
        elif releases:
            self.release()
        return None

    def _set_waiting(self, notify: Callable[[], None] | None) -> None:
        self._notify = notify
        self.session.link.set_poll_waits(notify is not None)

    def release(self) -> None:
        """Answer the waiting poll with a noop packet, if there is nothing better."""
        if self._notify is not None and not self.session.link.queued_packets:
            self._answer = PacketType.NOOP
            self._notify()

    def release_all(self) -> None:
        """Answer the waiting poll and the next one: the client may have sent that before its probe was answered."""
        self.release()
        self.releases_next = True

    def hold(self) -> None:
        """Let polls wait for messages again: the upgrade has failed."""
        self.releases_next = False

    def was_polled(self) -> bool:
        """Whether a poll waits, or has come since this was asked last."""
        polled, self._polled = self._polled or self._notify is not None, False
        return polled

    def collect(self) -> EngineResponse:
        """The answer to the poll that was waiting; see ``begin_answer``.

        Report with ``poll_written`` or ``poll_lost``.
        """
        self._set_waiting(None)
        session, payloads = self.session, self._payloads
        packet_type, self._answer = self._answer, None
        self._messages = Messages.TAKEN if packet_type is None else Messages.NONE
        if packet_type is not None:
            return self._wrapped(*payloads.packet(packet_type), compress=False)
        is_closing = not session.is_open
        body, content_type = payloads.take(session.link, EVERYTHING if is_closing else self._max_bytes)
        self._max_bytes = EVERYTHING
        is_last = session.state is State.CLOSED or not session.lingers
        if is_closing and (is_last or not body):
            # Clients obey a close packet before they hand over the messages beside it, so it rather comes alone.
            if body:
                body = payloads.append(body, content_type, PacketType.CLOSE)
            else:
                body, content_type = payloads.packet(PacketType.CLOSE)
            self._goodbye_sent = True
        return self._wrapped(body, content_type, compress=session.link.compressible)

    def _wrapped(self, body: bytes, content_type: str, *, compress: bool) -> EngineResponse:
        index = self.session.request.jsonp
        # The type stays that of text, as from Node, and nobody is told not to guess: it must run as a script.
        body = body if index is None else _jsonp.wrap(index, body)
        return _response(body, content_type, compress=compress)

    def begin_answer(self) -> EngineResponse | None:
        """The answer is about to be handed to the kernel; returns what is to be written instead, if anything is."""
        if self._messages is Messages.PUT_BACK:
            return self._wrapped(*self._payloads.packet(PacketType.NOOP), compress=False)
        if self._messages is Messages.TAKEN:
            self._messages = Messages.ON_THEIR_WAY
        return None

    def poll_written(self, now: float = math.nan) -> None:
        """The answer to a poll is written; ``now`` as for ``Session.written``."""
        if self._took:  # a noop took nothing: after an upgrade, what is in flight is the WebSocket's
            self.session.written(now)
            self._messages = Messages.NONE
        if self._goodbye_sent and self.session.transport is self:
            self.session.end()

    def poll_lost(self, description: str) -> None:
        """The client vanished while its poll was waiting or being answered."""
        self._set_waiting(None)
        if self.session.transport is self:
            if self.session.is_open:
                self.session.fail(DisconnectReason.TRANSPORT_ERROR, description)
            else:
                self.session.end()
        elif self._took:  # an upgrade took over meanwhile, and what the poll took is lost
            self.session.fail(DisconnectReason.TRANSPORT_ERROR, description)

    # POST

    def begin_post(self, content_type: str) -> EngineResponse | None:
        """A POST has come; returns its refusal, or None: read the body, then ``packets``, then ``end_post``."""
        description = ""
        if self._posting:
            description = "overlap of two POSTs"
        elif not self._accepts(content_type):
            description = "invalid content: these payloads are text"
        if description:
            self.session.fail(DisconnectReason.TRANSPORT_ERROR, description)
            return BAD_REQUEST
        self._posting = True
        self._post_type = content_type
        return None

    def _accepts(self, content_type: str) -> bool:
        if self.session.request.jsonp is not None:
            return not is_binary(content_type)
        return self._payloads.accepts(content_type)

    def received(self, size: int, now: float) -> None:
        """So many bytes of a body have come, and it is not whole: the client is alive."""
        self.session.received(size, now)

    def packets(self, body: bytes) -> PayloadReader | Failure:
        """The packets of a body, to be handed to the session one at a time; or what is wrong with its form."""
        if self.session.request.jsonp is not None:
            try:
                body = _jsonp.unwrap(body)
            except ValueError as error:
                return Failure(str(error), 0)
        return self._payloads.read(body, self._post_type)

    def hold_post(self, notify: Callable[[], None]) -> None:
        """Withhold the answer to the POST while the session is paused; ``notify`` is called when the pause ends."""
        self.session.call_after_pause(notify)

    def end_post(self, failure: Failure | None) -> EngineResponse:
        """All packets before the first bad one were handed over; the answer."""
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
