"""The connection object, over ``csrc/conn.h``: it parses input, queues output, and reports its timers."""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.pythread cimport PyThread_get_thread_ident
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.math cimport NAN
from libc.string cimport memset

from trio_socketio._core._base cimport (
    TSIO_E_OUTBOX_FULL,
    TSIO_OK,
    c_bool,
    check_memory,
    tsio_status_close_code,
    tsio_status_text,
)
from trio_socketio._core._message cimport Dialect, Message, tsio_message_bytes

from trio_socketio._core._types import CloseFrame, Failure, TimerEvent


cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL


cdef object decode_event(tsio_status status, const tsio_conn_event *event):
    """Convert an event from C to what ``Connection.next_event`` returns."""
    if status != TSIO_OK:
        check_memory(status)
        return Failure(tsio_status_text(status).decode(), tsio_status_close_code(status))
    if event.kind == TSIO_CONN_TEXT:
        return PyUnicode_DecodeUTF8(<const char *>event.data, <Py_ssize_t>event.len, NULL)
    if event.kind == TSIO_CONN_BINARY:
        return PyBytes_FromStringAndSize(<const char *>event.data, <Py_ssize_t>event.len)
    if event.kind == TSIO_CONN_CLOSE:
        return CloseFrame(
            event.close_code, PyUnicode_DecodeUTF8(<const char *>event.data, <Py_ssize_t>event.len, NULL)
        )
    return None


cdef bytes _take_buf(tsio_buf *buf):
    """Copy a buffer into ``bytes``, and free it."""
    try:
        return PyBytes_FromStringAndSize(<const char *>buf.data, <Py_ssize_t>buf.len) if buf.len else b""
    finally:
        tsio_buf_free(buf)


@cython.final
cdef class FlushList:
    """The connections of one reactor that have output to write.

    Attributes:
        on_dirty: called when the first connection has output, and not again before the next turn of the reactor.
    """

    cdef int poke(self) except -1:
        if not self._told and self._lists is not NULL:
            self.on_dirty()
            self._told = True
        return 0


@cython.final
@cython.no_gc_clear  # __dealloc__ removes the timer from the wheel, so the wheel must still exist
cdef class Connection:
    """Codec state, heartbeat state and outbox of one connection, in C.

    Args:
        wheel: the timer wheel of all connections.
        max_message_bytes: the largest size of an inbound message.
        max_fragments: how many frames an inbound message may have.
        max_packets: how many messages the outbox holds.
        max_bytes: how many bytes the outbox holds.
        policy: the ``OutboxPolicy``, which decides what a full outbox does.
        dialect: the protocol revision and options of the client; None: Engine.IO revision 4.

    Attributes:
        owner: the session or upgrade candidate that the connection belongs to, a ``ConnectionOwner``.
        transport: the ``ConnectionTransport`` that serves the connection, and is woken when there is output.
        observer: the ``ConnectionObserver`` that receives the messages which a reactor reads.
    """

    def __cinit__(
        self,
        TimerWheel wheel not None,
        *,
        uint64_t max_message_bytes,
        uint32_t max_fragments,
        uint32_t max_packets,
        size_t max_bytes,
        int policy,
        Dialect dialect=None,
    ):
        if not 0 <= policy <= 4:
            raise ValueError(f"policy must be an OutboxPolicy, not {policy}")
        memset(&self._conn, 0, sizeof(self._conn))
        check_memory(tsio_conn_init(
            &self._conn, max_message_bytes, max_fragments, max_packets, max_bytes, <tsio_policy>policy
        ))
        self._conn.owner = <void *>self
        self._wheel = wheel
        self.dialect = dialect

    @property
    def in_turn(self):
        """Whether this is called during a turn of the reactor, in its thread, and therefore in a Trio task.

        False for a connection that no reactor serves.
        """
        return self._flush_list is not None and self._flush_list._turning == PyThread_get_thread_ident()

    @property
    def in_own_thread(self):
        """Whether this is called in the server's thread, in which the timer wheel was created."""
        return self._wheel._thread == PyThread_get_thread_ident()

    cdef int wake(self) except -1:
        """Wake the reactor or the transport, because there is output."""
        if self._flush_list is not None:
            self._flush_list.poke()
        elif self.transport is not None:
            self.transport.wake()
        return 0

    def __dealloc__(self):
        if self._wheel is not None:
            tsio_conn_detach(&self._conn, &self._wheel._wheel)
            tsio_conn_free(&self._conn)

    # inbound

    def feed(self, const uint8_t[::1] data not None):
        """Pass in bytes as they arrived on the WebSocket. ``next_event`` returns the messages in them."""
        if data.shape[0]:
            check_memory(tsio_conn_feed(&self._conn, &data[0], <size_t>data.shape[0]))

    def next_event(self, double now):
        """Return the next complete message (``str`` or ``bytes``), ``CloseFrame`` or ``Failure``.

        None: more bytes are needed. Other WebSocket control frames, and answers to the heartbeat, are handled here.
        ``now`` is in seconds.
        """
        cdef tsio_conn_event event
        cdef tsio_status status = tsio_conn_next(&self._conn, now, &event)
        cdef object packet = decode_event(status, &event)
        self._wheel.scheduled(&self._conn.timer)  # calls Python, after which the event's bytes may be freed
        return packet

    def touch(self):
        """Wake the reactor for output that ``send`` has not queued: a close frame, or output that an upgrade moved."""
        tsio_conn_mark_dirty(&self._conn, True)
        if self._flush_list is not None:
            self._flush_list.poke()

    def adopt(self, Connection candidate not None):
        """Take over the WebSocket and the dialect of a candidate whose upgrade is complete. The outbox stays."""
        tsio_conn_adopt(&self._conn, &candidate._conn)
        self._dialect = candidate._dialect

    # outbound

    def send(self, Message message not None, bint protected=False, bint volatile=False):
        """Queue a message, wake the transport or reactor, and return a ``PushStatus`` number.

        No message is accepted while ``open`` is False. A protected message is never dropped, or refused because the
        outbox is full. A volatile message is lost if it would have to wait behind unsent bytes.
        """
        cdef uint32_t flags = (TSIO_SEND_PROTECTED if protected else 0) | (TSIO_SEND_VOLATILE if volatile else 0)
        cdef tsio_status status = tsio_conn_send(&self._conn, message._message, flags)
        check_memory(status)
        if status == TSIO_OK:
            self.wake()
        return <int>status

    def send_protected(self, Message message not None, uint32_t factor):
        """Queue a message that no policy may drop. It is refused only above ``factor`` times the outbox's limits."""
        cdef tsio_queued queued = tsio_conn_queued(&self._conn)
        if queued.packets and (
            queued.packets >= <double>factor * self._conn.outbox.max_packets
            or queued.bytes + tsio_message_bytes(message._message) > <double>factor * self._conn.outbox.max_bytes
        ):
            return <int>TSIO_E_OUTBOX_FULL
        cdef tsio_status status = tsio_conn_send(&self._conn, message._message, TSIO_SEND_PROTECTED)
        check_memory(status)
        if status == TSIO_OK:
            self.wake()
        return <int>status

    def push(self, Message message not None, *, bint protected=False):
        """Queue a message as ``send`` does, but also while ``open`` is False, and without waking anything."""
        cdef tsio_outbox *outbox = tsio_conn_leave_fast_path(&self._conn)
        cdef uint32_t flags = TSIO_SEND_PROTECTED if protected else 0
        cdef tsio_status status = tsio_outbox_push(outbox, message._message, flags)
        check_memory(status)
        tsio_conn_mark_dirty(&self._conn, True)
        return <int>status

    def take(self, size_t max_bytes):
        """Take the next bytes for the WebSocket, about ``max_bytes``. They are in flight until ``confirm``."""
        cdef tsio_buf buf
        memset(&buf, 0, sizeof(buf))
        cdef tsio_status status = tsio_conn_take(&self._conn, &buf, max_bytes)
        if status != TSIO_OK:
            tsio_buf_free(&buf)
            check_memory(status)
        return _take_buf(&buf)

    def take_payload(self, size_t max_bytes):
        """Take the payload for the answer to a poll, about ``max_bytes``. It is in flight until ``confirm``."""
        cdef tsio_buf buf
        cdef tsio_outbox *outbox = tsio_conn_leave_fast_path(&self._conn)
        memset(&buf, 0, sizeof(buf))
        cdef tsio_status status = tsio_outbox_take_polling(outbox, &buf, max_bytes)
        if status != TSIO_OK:
            tsio_buf_free(&buf)
            check_memory(status)
        return _take_buf(&buf)

    def take_payload3(self, size_t max_bytes, c_bool binary=False):
        """Take a payload of revision 3.

        Args:
            max_bytes: about how many bytes to take.
            binary: always use the binary form.

        Returns:
            The body, and whether it has the binary form.
        """
        cdef tsio_buf buf
        memset(&buf, 0, sizeof(buf))
        cdef tsio_status status = tsio_outbox_take_polling3(
            tsio_conn_leave_fast_path(&self._conn), &buf, max_bytes, &binary
        )
        if status != TSIO_OK:
            tsio_buf_free(&buf)
            check_memory(status)
        return _take_buf(&buf), bool(binary)

    def put_back(self):
        """Put messages that polls have taken, and that are not confirmed, back at the head of the queue."""
        check_memory(tsio_outbox_put_back(tsio_conn_leave_fast_path(&self._conn)))

    def confirm(self, double now=NAN):
        """Confirm that what was in flight is written; return whether it included a heartbeat's ping.

        The wait for the answer to the ping begins at ``now``; without ``now`` it began when the ping was queued.
        """
        tsio_outbox_confirm(tsio_conn_leave_fast_path(&self._conn))
        return bool(tsio_conn_written(&self._conn, now))

    def has_room(self, size_t message_bytes):
        """Return whether a message of this size would be queued without dropping another."""
        return bool(tsio_conn_has_room(&self._conn, message_bytes))

    def close(self, uint16_t code, str reason not None=""):
        """Send a close frame (RFC 6455 section 5.5.1) once the outbox is empty, and refuse further messages."""
        cdef Py_ssize_t size = 0
        cdef const char *chars = PyUnicode_AsUTF8AndSize(reason, &size)
        tsio_conn_close(&self._conn, code, <const uint8_t *>chars, <size_t>size)

    def close_outbox(self):
        """Refuse further messages. Queued messages stay."""
        tsio_conn_leave_fast_path(&self._conn).closed = True

    def discard(self):
        """Drop all queued messages, because the connection has ended."""
        tsio_conn_discard(&self._conn)

    @property
    def dialect(self):
        """The dialect of the client; None: Engine.IO revision 4. A new value applies to messages sent from then on."""
        return self._dialect

    @dialect.setter
    def dialect(self, Dialect dialect):
        self._dialect = dialect
        tsio_conn_set_dialect(&self._conn, NULL if dialect is None else &dialect._dialect)

    @property
    def open(self):
        """Whether messages are accepted."""
        return bool(self._conn.open)

    @open.setter
    def open(self, bint value):
        tsio_conn_set_open(&self._conn, value)

    @property
    def paused(self):
        """Whether reading from the peer is paused."""
        return bool(self._conn.paused)

    @paused.setter
    def paused(self, bint value):
        self._conn.paused = value

    @property
    def watched(self):
        """Whether a reactor calls ``transport.flushed`` when it has written."""
        return bool(self._conn.front.watched)

    @watched.setter
    def watched(self, bint value):
        self._conn.front.watched = value

    @property
    def report_pongs(self):
        """Whether pongs of the heartbeat are returned as packets; else the connection handles them itself."""
        return bool(self._conn.report_pongs)

    @report_pongs.setter
    def report_pongs(self, bint value):
        self._conn.report_pongs = value

    def set_poll_waits(self, bint value):
        """Set whether a poll waits, which could take a message at once."""
        self._conn.poll_waits = value

    def set_streaming(self):
        """Record that a WebSocket serves the connection from now on."""
        if self._conn.via == TSIO_VIA_POLLING:
            self._conn.via = TSIO_VIA_STREAM

    @property
    def is_writable(self):
        """Whether a message that is queued now would be sent without waiting."""
        return bool(tsio_conn_is_writable(&self._conn))

    @property
    def is_loaded(self):
        """Whether the outbox is more than half full."""
        cdef tsio_queued queued = tsio_conn_queued(&self._conn)
        return queued.packets > self._conn.outbox.max_packets / 2 or queued.bytes > self._conn.outbox.max_bytes / 2

    @property
    def volatile_lost(self):
        """How many volatile messages were not sent."""
        return self._conn.volatile_lost

    @property
    def has_output(self):
        """Whether ``take`` would return any bytes."""
        return bool(tsio_conn_has_output(&self._conn))

    @property
    def queued_packets(self):
        """How many messages are queued and not yet taken."""
        return tsio_conn_queued(&self._conn).packets

    @property
    def queued_bytes(self):
        """How many bytes of messages are queued and not yet taken."""
        return tsio_conn_queued(&self._conn).bytes

    @property
    def inflight_bytes(self):
        """How many bytes are taken and not yet confirmed."""
        return self._conn.outbox.inflight_bytes

    @property
    def compressible(self):
        """Whether the last payload contains a message that may be compressed."""
        return bool(self._conn.outbox.compressible)

    @property
    def pushed(self):
        """How many messages the outbox has accepted."""
        return tsio_conn_progress(&self._conn).pushed

    @property
    def confirmed(self):
        """How many accepted messages have been written or dropped."""
        return tsio_conn_progress(&self._conn).confirmed

    @property
    def dropped(self):
        """How many messages the policy has dropped or refused."""
        return self._conn.outbox.dropped

    # timers

    def start_heartbeat(self, double now, double interval, double timeout):
        """Ping ``interval`` seconds after the previous pong, and wait ``timeout`` seconds for the answer.

        If that wait is suspended or prolonged, ping again: the client ends the connection if it receives no ping for
        ``interval + timeout`` seconds.

        In revision 3 the client pings; each of its pings must arrive within ``interval + timeout`` seconds.
        """
        tsio_conn_heartbeat_start(&self._conn, &self._wheel._wheel, now, interval, timeout)
        self._wheel.scheduled(&self._conn.timer)

    def stop_heartbeat(self):
        """Send no more pings, and expect none."""
        tsio_conn_heartbeat_stop(&self._conn, &self._wheel._wheel)

    def suspend_heartbeat(self):
        """Suspend the heartbeat's deadline while nothing is read, as no answer can be received. Pings continue."""
        tsio_conn_heartbeat_suspend(&self._conn, &self._wheel._wheel)

    def resume_heartbeat(self, double now):
        """Restart the heartbeat's deadline, if an answer or a ping of the client is expected."""
        tsio_conn_heartbeat_resume(&self._conn, &self._wheel._wheel, now)
        self._wheel.scheduled(&self._conn.timer)

    def pong(self, double now):
        """Process the answer to a ping, which did not arrive through ``feed``."""
        tsio_conn_pong(&self._conn, &self._wheel._wheel, now)
        self._wheel.scheduled(&self._conn.timer)

    def heard(self, double now):
        """Restart the wait for an answer, because a message arrived, other than through ``feed``."""
        tsio_conn_heard(&self._conn, &self._wheel._wheel, now)
        self._wheel.scheduled(&self._conn.timer)

    def pinged(self, double now):
        """Process a ping of the client (revision 3)."""
        tsio_conn_pinged(&self._conn, &self._wheel._wheel, now)
        self._wheel.scheduled(&self._conn.timer)

    def received(self, size_t size, double now):
        """Count bytes of a message that arrived, other than through ``feed``.

        With each kilobyte, the wait for an answer starts anew.
        """
        tsio_conn_received(&self._conn, &self._wheel._wheel, now, size)
        self._wheel.scheduled(&self._conn.timer)

    @property
    def is_overdue(self):
        """Whether ``TimerEvent.PING_TIMEOUT`` was reported, and nothing has arrived since."""
        return bool(self._conn.hb_overdue)

    @property
    def has_waited(self):
        """Whether the wait for an answer was prolonged, by ``wait_on`` or by setting this.

        It becomes False when anything arrives, or when the ping is sent.
        """
        return bool(self._conn.hb_waited)

    @has_waited.setter
    def has_waited(self, bint value):
        self._conn.hb_waited = value

    @property
    def ping_is_queued(self):
        """Whether the ping that the client must answer is still in the outbox."""
        tsio_conn_leave_fast_path(&self._conn)  # updates the state, if the ping was sent from the front
        return self._conn.hb_state == TSIO_HB_PING_QUEUED

    @property
    def is_behind(self):
        """Whether more than a kilobyte was unacknowledged before the ping when the ping was sent."""
        return bool(self._conn.hb_behind)

    @is_behind.setter
    def is_behind(self, bint value):
        self._conn.hb_behind = value

    @property
    def written_bytes(self):
        """How many bytes a reactor has written, modulo 2**32, except messages that were sent from the front."""
        return self._conn.written

    def wait_on(self, double now, double deadline):
        """Prolong the wait for the heartbeat's answer until ``deadline``, and ping again."""
        tsio_conn_wait_on(&self._conn, &self._wheel._wheel, now, deadline)
        self._wheel.scheduled(&self._conn.timer)

    def set_deadline(self, double deadline):
        """Report ``TimerEvent.DEADLINE`` at this time; infinity: never."""
        tsio_conn_set_deadline(&self._conn, &self._wheel._wheel, deadline)
        self._wheel.scheduled(&self._conn.timer)

    def detach(self):
        """Remove all timers of the connection from the wheel."""
        tsio_conn_detach(&self._conn, &self._wheel._wheel)


def put_off_answers(TimerWheel wheel not None, double now, double seconds):
    """Prolong the wait for each client's answer by ``seconds``, but not beyond a full wait that would begin now."""
    tsio_conn_put_off(&wheel._wheel, now, seconds)


def expire_timers(TimerWheel wheel not None, double now, Message ping not None):
    """Queue the ``ping`` of each heartbeat that is due, and return the other due timers.

    Returns:
        A list of (``Connection``, ``TimerEvent``).
    """
    cdef tsio_conn *conn
    cdef tsio_timer_kind kind
    cdef list due = []
    while True:
        conn = tsio_conn_expired(&wheel._wheel, now)
        if conn is NULL:
            return due
        while True:
            kind = tsio_conn_on_timer(conn, &wheel._wheel, now)
            if kind == TSIO_TIMER_NONE:
                break
            if kind == TSIO_TIMER_PING:
                if conn.open:
                    check_memory(tsio_conn_send(conn, ping._message, TSIO_SEND_PROTECTED))
                    (<Connection>conn.owner).wake()
                    if conn.hb_ping == <uint32_t>conn.outbox.pushed and (
                        conn.outbox.count > 1 or conn.outbox.inflight_packets
                    ):
                        due.append((<Connection>conn.owner, TimerEvent.PING_BEHIND))
            else:
                due.append((<Connection>conn.owner, TimerEvent(kind)))
