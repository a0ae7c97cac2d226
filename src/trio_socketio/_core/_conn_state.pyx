"""The state of a connection, over ``csrc/conn.h``: codec, heartbeat and outbox."""

cimport cython
from cpython.pythread cimport PyThread_get_thread_ident
from libc.string cimport memset

from trio_socketio._core._base cimport check_memory


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


@cython.no_gc_clear  # __dealloc__ removes the timer from the wheel, so the wheel must still exist
cdef class ConnectionState:
    """The C object of a connection: its memory, its flags and its figures.

    Args:
        wheel: the timer wheel of all connections.
        max_message_bytes: the largest size of an inbound message.
        max_fragments: how many frames an inbound message may have.
        max_packets: how many messages the outbox holds.
        max_bytes: how many bytes the outbox holds.
        policy: the ``OutboxPolicy``, which decides what a full outbox does.
        dialect: the protocol revision and options of the client; None: Engine.IO revision 4.
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

    def __dealloc__(self):
        if self._wheel is not None:
            tsio_conn_detach(&self._conn, &self._wheel._wheel)
            tsio_conn_free(&self._conn)

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
