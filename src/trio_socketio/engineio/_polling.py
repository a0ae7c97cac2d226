"""The transport for HTTP long-polling, without I/O: one waiting poll, one POST, and their responses.

The driver calls ``begin_poll`` or ``begin_post``, reads and writes, and reports back. Source: Engine.IO protocol
revision 4, "HTTP long-polling", "Upgrade". Revision 3 differs only in its payloads.
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
from trio_socketio.engineio._payload import is_binary, payloads_for
from trio_socketio.engineio._polling_responses import BAD_REQUEST, POST_OK, poll_response
from trio_socketio.engineio._request import EngineResponse
from trio_socketio.engineio._session import Session
from trio_socketio.engineio._states import State
from trio_socketio.errors import DisconnectReason

__all__ = ["PollingTransport"]

#: More bytes than any outbox holds: with this limit a poll takes all queued messages.
EVERYTHING = 1 << 40


class Messages(Enum):
    """The state of the messages that a poll has taken from the outbox."""

    NONE = auto()  #: there are none, or their response is written
    DELAYED = auto()  #: they are in a response of which no byte was written yet
    ON_THEIR_WAY = auto()  #: the response is being written
    PUT_BACK = auto()  #: they are back in the outbox, for a WebSocket


class PollingTransport:
    """The polling transport of one session. The first request decides whether all requests are JSONP.

    Attributes:
        session: the session.
        releases_next: whether the next poll is answered at once, because of an upgrade.
    """

    __slots__ = (
        "_answer", "_delivery", "_goodbye_sent", "_max_bytes", "_messages", "_notify", "_payloads", "_polled",
        "_post_type", "_posting", "releases_next", "session",
    )  # fmt: skip

    name: TransportName = "polling"
    driver = "polling"

    def __init__(self, session: Session) -> None:
        self.session = session
        self._payloads = payloads_for(session.request)
        self._max_bytes = 1  # the first response holds the open packet only
        self._post_type = ""  # the last content type that was accepted; every session accepts none
        self._notify: Callable[[], None] | None = None
        self._answer: PacketType | None = None
        self._polled = False
        self._posting = False
        self._messages = Messages.NONE
        self._goodbye_sent = False
        self.releases_next = False
        self._delivery: Callable[[], Delivery | None] | None = None

    # the interface ``Transport``

    def wake(self) -> None:
        """Answer the waiting poll, because messages are queued."""
        if self._notify is not None:
            self._notify()

    @property
    def polls(self) -> PollingTransport:
        """This object. The session controls its polls through it."""
        return self

    def resume(self) -> None:
        """Do nothing: the function passed to ``hold_post`` wakes the withheld POST."""

    def close(self) -> None:
        """Answer the waiting poll with the queued messages or a close packet.

        If no poll waits, a session that lingers keeps them for the next poll. Any other session ends.
        """
        if self._notify is not None:
            self._notify()
        elif not self.session.lingers:
            self.session.end()

    def abort(self, *, goodbye: bool) -> None:
        """Answer the waiting poll at once: with a close packet if ``goodbye``, else with a noop packet."""
        if self.session.transport is not self:  # a WebSocket has replaced this transport
            self._take_back()
        if self._notify is not None:
            self._answer = PacketType.CLOSE if goodbye else PacketType.NOOP
            self._notify()

    def _take_back(self) -> None:
        """Put the messages that a poll took back into the outbox, unless their response is being written.

        The WebSocket that has replaced this transport sends them.
        """
        if self._messages is Messages.DELAYED:
            self._messages = Messages.PUT_BACK
            self.session.link.put_back()

    def delivery(self, now: float) -> Delivery | None:
        """Return the progress of the connection that carries, or has carried, the last response to a poll."""
        return None if self._delivery is None else self._delivery()

    # GET

    def begin_poll(self, notify: Callable[[], None]) -> EngineResponse | None:
        """Handle a GET.

        Args:
            notify: called, possibly more than once, when there is something to answer.

        Returns:
            None: call ``collect`` after ``notify`` was called. A response, if the poll is refused: it overlaps another
            one, or its session has just ended.
        """
        if self.session.state is State.CLOSED:
            return BAD_REQUEST
        if self._notify is not None:
            self.session.fail(DisconnectReason.TRANSPORT_ERROR, "a poll arrived while another one waited")
            return BAD_REQUEST
        self._notify = notify
        link = self.session.link
        link.set_poll_waits(True)
        self._polled = True
        releases, self.releases_next = self.releases_next, False
        if link.queued_packets or self.session.state is State.CLOSING:
            notify()
        elif releases:
            self.release()
        return None

    def release(self) -> None:
        """Answer the waiting poll with a noop packet, unless messages are queued."""
        if self._notify is not None and not self.session.link.queued_packets:
            self._answer = PacketType.NOOP
            self._notify()

    def release_all(self) -> None:
        """Answer the waiting poll and the next one at once.

        The client may have sent the next poll before it received the answer to its probe.
        """
        self.release()
        self.releases_next = True

    def hold(self) -> None:
        """Let polls wait for messages again, because the upgrade has failed."""
        self.releases_next = False

    def was_polled(self) -> bool:
        """Return whether a poll waits, or has come since the last call of this method."""
        polled, self._polled = self._polled or self._notify is not None, False
        return polled

    def collect(self, delivery: Callable[[], Delivery | None] | None = None) -> EngineResponse:
        """Build the response to the waiting poll.

        Write the response before other tasks run, or call ``delay_answer``. Call ``poll_written`` or ``poll_lost`` when
        it is written.

        Args:
            delivery: returns how far the client has received what was written to the connection of this poll; None:
                this is unknown.
        """
        session, link, payloads = self.session, self.session.link, self._payloads
        self._notify = None
        link.set_poll_waits(False)
        self._delivery = delivery
        packet_type, self._answer = self._answer, None
        if packet_type is not None:
            self._messages = Messages.NONE
            return self._packet_response(packet_type)
        self._messages = Messages.ON_THEIR_WAY
        is_closing = not link.open
        body, content_type = payloads.take(link, EVERYTHING if is_closing else self._max_bytes)
        self._max_bytes = EVERYTHING
        if is_closing and (not body or session.state is State.CLOSED or not session.lingers):
            # Clients close on a close packet before they deliver the messages of the same payload. It is therefore sent
            # alone, unless this is the last response.
            if body:
                body = payloads.append(body, content_type, PacketType.CLOSE)
            else:
                body, content_type = payloads.packet(PacketType.CLOSE)
            self._goodbye_sent = True
        return poll_response(body, content_type, session.request.jsonp, compress=link.compressible)

    def _packet_response(self, packet_type: PacketType) -> EngineResponse:
        return poll_response(*self._payloads.packet(packet_type), self.session.request.jsonp)

    def delay_answer(self) -> None:
        """Note that the response is written later. Call ``begin_answer`` before that."""
        if self._messages is Messages.ON_THEIR_WAY:
            self._messages = Messages.DELAYED

    def begin_answer(self) -> EngineResponse | None:
        """Note that a delayed response is about to be written.

        Returns:
            Another response, if that is to be written instead: an upgrade has taken the messages back.
        """
        if self._messages is Messages.PUT_BACK:
            return self._packet_response(PacketType.NOOP)
        if self._messages is Messages.DELAYED:
            self._messages = Messages.ON_THEIR_WAY
        return None

    def poll_written(self, now: float = math.nan) -> None:
        """Note that the response to a poll is written; ``now`` as for ``Session.written``."""
        # Without this check, a noop would confirm messages that a WebSocket is sending.
        if self._messages is Messages.ON_THEIR_WAY:
            self.session.written(now)
            self._messages = Messages.NONE
        if self._goodbye_sent and self.session.transport is self:
            self.session.end()

    def poll_lost(self, description: str) -> None:
        """End the session: its client vanished while its poll was waiting or being answered.

        After an upgrade the session ends only if messages were in that response.
        """
        self._notify = None
        self.session.link.set_poll_waits(False)
        if self.session.transport is self:
            if self.session.is_open:
                self.session.fail(DisconnectReason.TRANSPORT_ERROR, description)
            else:
                self.session.end()
        elif self._messages is Messages.ON_THEIR_WAY:
            # The session is on WebSocket now, and the messages in the response are lost.
            self.session.fail(DisconnectReason.TRANSPORT_ERROR, description)

    # POST

    def begin_post(self, content_type: str) -> EngineResponse | None:
        """Handle a POST.

        Returns:
            None: read the body, call ``packets``, then ``end_post``. A response, if the POST is refused.
        """
        description = ""
        if self._posting:
            description = "a POST arrived while another one was in progress"
        elif content_type != self._post_type and not self._accepts(content_type):
            description = "the payload of a POST must be text"
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

    def packets(self, body: bytes) -> PayloadReader | Failure:
        """Return a reader of the packets of a body, to be passed to the session one at a time.

        Returns:
            The reader, or a ``Failure`` if the form of a JSONP request is malformed.
        """
        if self.session.request.jsonp is not None:
            try:
                body = _jsonp.unwrap(body)
            except ValueError as error:
                return Failure(str(error), 0)
        return self._payloads.read(body, self._post_type)

    def hold_post(self, notify: Callable[[], None]) -> None:
        """Withhold the response to the POST while the session is paused. ``notify`` is called when the pause ends."""
        self.session.call_after_pause(notify)

    def end_post(self, failure: Failure | None) -> EngineResponse:
        """Build the response to a POST, after its packets were passed to the session.

        Args:
            failure: the first malformed packet, which ends the session; None: all packets were well-formed.
        """
        self._posting = False
        if failure is not None:
            self.session.fail(DisconnectReason.PARSE_ERROR, failure.text)
        if self.session.state is State.CLOSED and not self.session.closed_by_peer:
            return BAD_REQUEST
        return POST_OK

    def post_lost(self, description: str) -> None:
        """End the session: a body was not received completely. None of its packets is passed to the session."""
        self._posting = False
        if self.session.transport is self and self.session.is_open:
            self.session.fail(DisconnectReason.TRANSPORT_ERROR, description)

    def post_refused(self) -> None:
        """Note that the body was too large and is not read. The session continues."""
        self._posting = False
