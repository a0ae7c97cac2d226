"""The heartbeat and the deadline of a connection, over ``csrc/conn.h``."""

cimport cython


@cython.no_gc_clear  # as its base
cdef class ConnectionTimers(ConnectionState):
    """A connection's timers. ``expire_timers`` reports those that are due."""

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
