"""The connection object, over ``csrc/conn.h``: what comes in, what goes out, and what its timers say."""

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
    """What ``Connection.next_event`` returns."""
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
    """Copy ``buf`` into Python bytes and free it."""
    try:
        return PyBytes_FromStringAndSize(<const char *>buf.data, <Py_ssize_t>buf.len) if buf.len else b""
    finally:
        tsio_buf_free(buf)


@cython.final
cdef class FlushList:
    """The connections of one reactor that have something to send.

    Attributes:
        on_dirty: called when there is one, and not again before the reactor has looked.
    """

    cdef int poke(self) except -1:
        if not self._told and self._lists is not NULL:
            self.on_dirty()
            self._told = True
        return 0


@cython.final
@cython.no_gc_clear  # the wheel must still be there when the node is taken out of it
cdef class Connection:
    """Codec state, heartbeat state and outbox of one connection, in C.

    Args:
        wheel: the timers of all connections.
        max_message_bytes: the largest inbound message.
        max_fragments: how many frames one inbound message may have.
        max_packets: how many messages the outbox holds.
        max_bytes: how many bytes the outbox holds.
        policy: what a full outbox does, an ``OutboxPolicy``.
        dialect: what the client understands; None: Engine.IO revision 4.

    Attributes:
        owner: the Engine.IO session or upgrade candidate it belongs to, a ``ConnectionOwner``.
        transport: what serves it, and is woken when there is output: a ``ConnectionTransport``.
        observer: what gets the messages that a reactor reads, a ``ConnectionObserver``.
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
        """Whether a turn of the reactor is what calls: in the same thread, and so in a task of Trio.

        False also for a connection that no reactor serves.
        """
        return self._flush_list is not None and self._flush_list._turning == PyThread_get_thread_ident()

    @property
    def in_own_thread(self):
        """Whether the thread calls that the timer wheel was made in: the server's."""
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
        """Give bytes of the WebSocket, as they came; read them back with ``next_event``."""
        if data.shape[0]:
            check_memory(tsio_conn_feed(&self._conn, &data[0], <size_t>data.shape[0]))

    def next_event(self, double now):
        """The next whole message (``str`` or ``bytes``), ``CloseFrame``, ``Failure``; None: more bytes are needed.

        WebSocket control frames and heartbeat answers are dealt with here. ``now`` is in seconds.
        """
        cdef tsio_conn_event event
        cdef tsio_status status = tsio_conn_next(&self._conn, now, &event)
        cdef object packet = decode_event(status, &event)
        self._wheel.scheduled(&self._conn.timer)  # calls Python: the event's bytes may be gone afterwards
        return packet

    def touch(self):
        """There may be output that came without ``send``: a close frame, or what an upgrade has brought along."""
        tsio_conn_mark_dirty(&self._conn, True)
        if self._flush_list is not None:
            self._flush_list.poke()

    def adopt(self, Connection candidate not None):
        """Take over the WebSocket of a candidate whose upgrade is complete, and its dialect; the outbox stays."""
        tsio_conn_adopt(&self._conn, &candidate._conn)
        self._dialect = candidate._dialect

    # outbound

    def send(self, Message message not None, bint protected=False, bint volatile=False):
        """Queue a message and wake the sender; returns a ``PushStatus`` number.

        Nothing is accepted while not ``open``. A protected message is never refused for want of room, nor dropped. A
        volatile one is lost rather than queued behind bytes that are still unsent.
        """
        cdef uint32_t flags = (TSIO_SEND_PROTECTED if protected else 0) | (TSIO_SEND_VOLATILE if volatile else 0)
        cdef tsio_status status = tsio_conn_send(&self._conn, message._message, flags)
        check_memory(status)
        if status == TSIO_OK:
            self.wake()
        return <int>status

    def send_protected(self, Message message not None, uint32_t factor):
        """Queue a message that no policy may drop; 'full' only above ``factor`` times the outbox's limits."""
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
        """As ``send``, but also while not ``open``, and without waking the sender."""
        cdef tsio_outbox *outbox = tsio_conn_leave_fast_path(&self._conn)
        cdef uint32_t flags = TSIO_SEND_PROTECTED if protected else 0
        cdef tsio_status status = tsio_outbox_push(outbox, message._message, flags)
        check_memory(status)
        tsio_conn_mark_dirty(&self._conn, True)
        return <int>status

    def take(self, size_t max_bytes):
        """What the WebSocket is to send next, about ``max_bytes``; it is in flight until ``confirm``."""
        cdef tsio_buf buf
        memset(&buf, 0, sizeof(buf))
        cdef tsio_status status = tsio_conn_take(&self._conn, &buf, max_bytes)
        if status != TSIO_OK:
            tsio_buf_free(&buf)
            check_memory(status)
        return _take_buf(&buf)

    def take_payload(self, size_t max_bytes):
        """What the next poll is to be answered with; it is in flight until ``confirm``."""
        cdef tsio_buf buf
        cdef tsio_outbox *outbox = tsio_conn_leave_fast_path(&self._conn)
        memset(&buf, 0, sizeof(buf))
        cdef tsio_status status = tsio_outbox_take_polling(outbox, &buf, max_bytes)
        if status != TSIO_OK:
            tsio_buf_free(&buf)
            check_memory(status)
        return _take_buf(&buf)

    def take_payload3(self, size_t max_bytes, c_bool binary=False):
        """The same in revision 3: a body, and whether it is a binary one, as it always is if asked for."""
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
        """What polls have taken and was not confirmed is the oldest of the queue again."""
        check_memory(tsio_outbox_put_back(tsio_conn_leave_fast_path(&self._conn)))

    def confirm(self, double now=NAN):
        """What was in flight has been written; returns whether a heartbeat's ping has left with it.

        The wait for its answer begins at ``now``; without that it has begun when the ping was queued.
        """
        tsio_outbox_confirm(tsio_conn_leave_fast_path(&self._conn))
        return bool(tsio_conn_written(&self._conn, now))

    def has_room(self, size_t message_bytes):
        """Whether a message of this size would be queued without dropping another."""
        return bool(tsio_conn_has_room(&self._conn, message_bytes))

    def close(self, uint16_t code, str reason not None=""):
        """Send a close frame (RFC 6455 section 5.5.1) once the outbox is empty; later messages are refused."""
        cdef Py_ssize_t size = 0
        cdef const char *chars = PyUnicode_AsUTF8AndSize(reason, &size)
        tsio_conn_close(&self._conn, code, <const uint8_t *>chars, <size_t>size)

    def close_outbox(self):
        """Refuse further messages; those that are queued stay."""
        tsio_conn_leave_fast_path(&self._conn).closed = True

    def discard(self):
        """Drop all that is queued: the connection is gone."""
        tsio_conn_discard(&self._conn)

    @property
    def dialect(self):
        """What the client understands; None: Engine.IO revision 4. Set, it counts for what is sent from then on."""
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
        """Whether nothing is to be read from the peer."""
        return bool(self._conn.paused)

    @paused.setter
    def paused(self, bint value):
        self._conn.paused = value

    @property
    def watched(self):
        """Whether a reactor is to tell ``transport.flushed`` when it has written."""
        return bool(self._conn.front.watched)

    @watched.setter
    def watched(self, bint value):
        self._conn.front.watched = value

    @property
    def report_pongs(self):
        """Whether pongs of the heartbeat are handed over as packets; else the connection deals with them."""
        return bool(self._conn.report_pongs)

    @report_pongs.setter
    def report_pongs(self, bint value):
        self._conn.report_pongs = value

    def set_poll_waits(self, bint value):
        """A poll is there to take a message at once, or no longer."""
        self._conn.poll_waits = value

    def set_streaming(self):
        """A WebSocket serves it from now on."""
        if self._conn.via == TSIO_VIA_POLLING:
            self._conn.via = TSIO_VIA_STREAM

    @property
    def is_writable(self):
        """Whether a message queued now goes out without waiting behind an earlier flush."""
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
        """Whether ``take`` would give anything."""
        return bool(tsio_conn_has_output(&self._conn))

    @property
    def queued_packets(self):
        """Messages queued and not yet taken."""
        return tsio_conn_queued(&self._conn).packets

    @property
    def queued_bytes(self):
        """Bytes of messages queued and not yet taken."""
        return tsio_conn_queued(&self._conn).bytes

    @property
    def inflight_bytes(self):
        """Bytes taken and not yet confirmed."""
        return self._conn.outbox.inflight_bytes

    @property
    def compressible(self):
        """Whether one of the messages that were taken last for a poll may be compressed."""
        return bool(self._conn.outbox.compressible)

    @property
    def pushed(self):
        """How many messages the outbox has accepted."""
        return tsio_conn_progress(&self._conn).pushed

    @property
    def confirmed(self):
        """How many of them have been written or dropped."""
        return tsio_conn_progress(&self._conn).confirmed

    @property
    def dropped(self):
        """How many messages the policy has dropped or refused."""
        return self._conn.outbox.dropped

    # time

    def start_heartbeat(self, double now, double interval, double timeout):
        """Ping ``interval`` seconds after the previous pong, and wait ``timeout`` seconds for the answer.

        Ping again if that wait is suspended or put off, so that the client sees a ping within both together.

        In revision 3 the client pings, each time within both together.
        """
        tsio_conn_heartbeat_start(&self._conn, &self._wheel._wheel, now, interval, timeout)
        self._wheel.scheduled(&self._conn.timer)

    def stop_heartbeat(self):
        """Send no more pings, and wait for none."""
        tsio_conn_heartbeat_stop(&self._conn, &self._wheel._wheel)

    def suspend_heartbeat(self):
        """Suspend the heartbeat's deadline: nothing is read, so no answer can be seen. Pings go on."""
        tsio_conn_heartbeat_suspend(&self._conn, &self._wheel._wheel)

    def resume_heartbeat(self, double now):
        """Start the heartbeat's deadline anew, if an answer or a client's ping is waited for."""
        tsio_conn_heartbeat_resume(&self._conn, &self._wheel._wheel, now)
        self._wheel.scheduled(&self._conn.timer)

    def pong(self, double now):
        """The heartbeat's answer, where it did not come through ``feed``."""
        tsio_conn_pong(&self._conn, &self._wheel._wheel, now)
        self._wheel.scheduled(&self._conn.timer)

    def heard(self, double now):
        """A message came, if not through ``feed``: the wait for an answer starts anew."""
        tsio_conn_heard(&self._conn, &self._wheel._wheel, now)
        self._wheel.scheduled(&self._conn.timer)

    def pinged(self, double now):
        """The client's ping, in revision 3."""
        tsio_conn_pinged(&self._conn, &self._wheel._wheel, now)
        self._wheel.scheduled(&self._conn.timer)

    def received(self, size_t size, double now):
        """A part of a message came, if not through ``feed``: with a kilobyte the wait for an answer starts anew."""
        tsio_conn_received(&self._conn, &self._wheel._wheel, now, size)
        self._wheel.scheduled(&self._conn.timer)

    @property
    def is_overdue(self):
        """Whether ``TimerEvent.PING_TIMEOUT`` was reported, and nothing has come since."""
        return bool(self._conn.hb_overdue)

    @property
    def has_waited(self):
        """Whether ``wait_on`` was called, or this set, and neither has anything come nor the ping left since."""
        return bool(self._conn.hb_waited)

    @has_waited.setter
    def has_waited(self, bint value):
        self._conn.hb_waited = value

    @property
    def ping_is_queued(self):
        """Whether the ping that is to be answered is still in the outbox."""
        tsio_conn_leave_fast_path(&self._conn)  # which learns whether it has left from the front
        return self._conn.hb_state == TSIO_HB_PING_QUEUED

    @property
    def is_behind(self):
        """Whether much was still to arrive before the ping, when that left."""
        return bool(self._conn.hb_behind)

    @is_behind.setter
    def is_behind(self, bint value):
        self._conn.hb_behind = value

    @property
    def written_bytes(self):
        """How many bytes a reactor has written, modulo 2**32. Of an outbox that is never full, some are not counted."""
        return self._conn.written

    def wait_on(self, double now, double deadline):
        """Wait for the heartbeat's answer until ``deadline`` after all, and ping again."""
        tsio_conn_wait_on(&self._conn, &self._wheel._wheel, now, deadline)
        self._wheel.scheduled(&self._conn.timer)

    def set_deadline(self, double deadline):
        """Report ``TimerEvent.DEADLINE`` at this time; infinity for never."""
        tsio_conn_set_deadline(&self._conn, &self._wheel._wheel, deadline)
        self._wheel.scheduled(&self._conn.timer)

    def detach(self):
        """Take every timer out of the wheel."""
        tsio_conn_detach(&self._conn, &self._wheel._wheel)


def put_off_answers(TimerWheel wheel not None, double now, double seconds):
    """Give each client so much longer for its answer, but none more than it had at first."""
    tsio_conn_put_off(&wheel._wheel, now, seconds)


def expire_timers(TimerWheel wheel not None, double now, Message ping not None):
    """What is due: a list of (``Connection``, ``TimerEvent``). A heartbeat's ``ping`` is queued here."""
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
