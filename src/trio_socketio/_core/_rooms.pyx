"""The room index and broadcasting, over ``csrc/rooms.h``."""

cimport cython
from libc.string cimport memset

from trio_socketio._core._base cimport TSIO_OK
from trio_socketio._core._connection cimport TSIO_SEND_VOLATILE
from trio_socketio._core._message cimport Message


#: The number of the last broadcast. A connection stores the number of the last one that visited it; at first 0.
cdef uint64_t _epoch = 0


cdef int _check(tsio_status status) except -1:
    if status != TSIO_OK:
        raise MemoryError("rooms")
    return 0


cdef class Member:
    """Base class of the members of a room index. A member's ``id`` is also the name of its own room."""

    def __dealloc__(self):
        while tsio_member_leave_one(&self._member) is not NULL:
            pass


@cython.final
cdef class _Room:
    """A room with at least one member. The index keeps the members alive, not the room."""

    cdef tsio_room _room
    cdef object name

    def __cinit__(self, name):
        memset(&self._room, 0, sizeof(self._room))
        self._room.owner = <void *>self
        self.name = name

    def __dealloc__(self):
        while self._room.count:
            tsio_room_leave(&self._room, self._room.entries[self._room.count - 1].member)


@cython.final
cdef class RoomIndex:
    """The rooms of one namespace, and their members.

    Every member is in its own room, named by its id, until it leaves that room. This room is not stored, so it costs no
    memory.

    Attributes:
        members: the members by id; do not change this.
        has_reached: whether the last broadcast was queued for a member, or found a full outbox.
    """

    cdef readonly dict members
    cdef readonly bint has_reached
    cdef dict _rooms
    cdef _Room _all

    def __cinit__(self):
        self.members = {}
        self._rooms = {}
        self._all = _Room(None)

    def __len__(self):
        return len(self.members)

    # membership

    def add(self, Member member not None, Connection connection not None):
        """Add a member whose messages go to this connection.

        Raises:
            ValueError: there is already a member with this id.
        """
        if member.id in self.members:
            raise ValueError(f"a member {member.id!r} already exists")
        member._member.conn = &connection._conn
        member._member.owner = <void *>member
        member._connection = connection
        member._left_own = False
        _check(tsio_room_join(&self._all._room, &member._member))
        self.members[member.id] = member

    def mute(self, Member member not None):
        """Exclude a member from all broadcasts. It stays in its rooms."""
        tsio_member_mute(&member._member)
        member._connection = None

    def remove(self, Member member not None):
        """Remove a member from the index and all its rooms. Do nothing if it is not in the index."""
        cdef tsio_room *room
        if self.members.get(member.id) is not member:
            return
        del self.members[member.id]
        while True:
            room = tsio_member_leave_one(&member._member)
            if room is NULL:
                break
            self._drop_if_empty(room)
        self.mute(member)

    def join(self, Member member not None, str name not None):
        """Add a member to a room.

        Returns:
            0: it was in the room already; 1: it has joined; 2: it has joined, and the room is new.

        Raises:
            KeyError: the member is not in the index.
        """
        cdef _Room room
        cdef uint32_t count
        if self.members.get(member.id) is not member:
            raise KeyError(member.id)
        if name == member.id:
            if not member._left_own:
                return 0
            member._left_own = False
            return 1 if name in self._rooms else 2
        room = self._rooms.get(name)
        if room is None:
            room = self._rooms[name] = _Room(name)
        count = room._room.count
        try:
            _check(tsio_room_join(&room._room, &member._member))
        finally:
            self._drop_if_empty(&room._room)
        if room._room.count == count:
            return 0
        return 1 if count or self._is_own(name) else 2

    def leave(self, Member member not None, str name not None):
        """Remove a member from a room. Do nothing if it is not in the room.

        Returns:
            0: it was not in the room; 1: it has left; 2: it has left, and the room is now empty.
        """
        cdef _Room room
        if name == member.id:
            if not self._is_own(name) or self.members[name] is not member:
                return 0
            member._left_own = True
            return 1 if name in self._rooms else 2
        room = self._rooms.get(name)
        if room is None or not tsio_room_leave(&room._room, &member._member):
            return 0
        self._drop_if_empty(&room._room)
        return 1 if room._room.count or self._is_own(name) else 2

    cdef bint _is_own(self, name) except -1:
        """Return whether this is the own room of a member, and the member has not left it."""
        cdef Member own = self.members.get(name)
        return own is not None and not own._left_own

    cdef int _drop_if_empty(self, tsio_room *room) except -1:
        if room.count == 0 and room.owner is not <void *>self._all:
            del self._rooms[(<_Room>room.owner).name]
        return 0

    def rooms_of(self, Member member not None):
        """Return the names of the rooms that a member is in."""
        cdef uint32_t seat
        cdef list names = [
            (<_Room>member._member.seats[seat].room.owner).name for seat in range(member._member.count)
        ]
        if self.members.get(member.id) is not member:
            return frozenset()
        if not member._left_own:
            names.append(member.id)
        return frozenset(name for name in names if name is not None)

    def in_room(self, str name not None):
        """Return the members of a room."""
        cdef _Room room = self._rooms.get(name)
        cdef Member own = self.members.get(name)
        cdef uint32_t at
        cdef list members = [] if room is None else [
            <object>room._room.entries[at].member.owner for at in range(room._room.count)
        ]
        if own is not None and not own._left_own:
            members.append(own)
        return members

    # broadcasting

    def broadcast(self, Message message not None, rooms, exclude, *, bint volatile=False):
        """Queue a message once for each member that is in any of ``rooms`` and in none of ``exclude``.

        Args:
            message: the message.
            rooms: names of rooms; None: all members; empty: no member.
            exclude: names of rooms.
            volatile: do not queue the message for members for which it would have to wait.

        Returns:
            The members whose outbox is full, if its policy leaves the decision to the caller.

        Raises:
            MemoryError: the message is not queued for all members.
        """
        global _epoch
        cdef tsio_broadcast broadcast
        cdef tsio_member *member
        cdef list full = []
        cdef uint32_t flags = TSIO_SEND_VOLATILE if volatile else 0
        _epoch += 1
        tsio_broadcast_init(&broadcast, message._message, flags, _epoch)
        for name in exclude:
            self._visit(&broadcast, name, tsio_broadcast_skip_room, tsio_broadcast_skip_member)
        if rooms is None:
            tsio_broadcast_to_room(&broadcast, &self._all._room)
        else:
            for name in rooms:
                self._visit(&broadcast, name, tsio_broadcast_to_room, tsio_broadcast_to_member)
        member = broadcast.full
        while member is not NULL:  # copied before Python code is called, which may remove members
            full.append(<object>member.owner)
            member = member.next_full
        self.has_reached = broadcast.accepted > 0 or len(full) > 0
        self._wake(&broadcast)
        _check(broadcast.status)
        return full

    cdef int _visit(
        self,
        tsio_broadcast *broadcast,
        name,
        void (*visit_room)(tsio_broadcast *, const tsio_room *) noexcept nogil,
        void (*visit_member)(tsio_broadcast *, tsio_member *) noexcept nogil,
    ) except -1:
        cdef _Room room = self._rooms.get(name)
        cdef Member own = self.members.get(name)
        if room is not None:
            visit_room(broadcast, &room._room)
        if own is not None and not own._left_own:
            visit_member(broadcast, &own._member)
        return 0

    cdef int _wake(self, tsio_broadcast *broadcast) except -1:
        cdef tsio_conn *conn
        cdef list woken = []
        while True:
            conn = tsio_broadcast_next_woken(broadcast)
            if conn is NULL:
                break
            woken.append(<Connection>conn.owner)
        if broadcast.flushed is not NULL:
            (<Connection>broadcast.flushed.conn.owner).wake()
        for connection in woken:
            (<Connection>connection).wake()
        return 0
