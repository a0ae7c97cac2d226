"""The connection object, over ``csrc/conn.h``: it parses input, queues output, and reports its timers."""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
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
from trio_socketio._core._conn_state cimport (
    tsio_conn_leave_fast_path,
    tsio_conn_queued,
    tsio_outbox,
    tsio_queued,
)
from trio_socketio._core._message cimport Message, tsio_buf, tsio_message_bytes
from trio_socketio._core._wheel cimport TimerWheel

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
@cython.no_gc_clear  # as its base
cdef class Connection(ConnectionTimers):
    """One connection: its input and output, its state, and its timers.

    Takes the arguments of ``ConnectionState``.

    Attributes:
        owner: the session or upgrade candidate that the connection belongs to, a ``ConnectionOwner``.
        transport: the ``ConnectionTransport`` that serves the connection, and is woken when there is output.
        observer: the ``ConnectionObserver`` that receives the messages which a reactor reads.
    """

    cdef int wake(self) except -1:
        """Wake the reactor or the transport, because there is output."""
        if self._flush_list is not None:
            self._flush_list.poke()
        elif self.transport is not None:
            self.transport.wake()
        return 0

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
