"""The adapter for the members of this process. It uses the room index and the outboxes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

import trio

from trio_socketio._core import Pace
from trio_socketio.adapters._adapter import Adapter
from trio_socketio.adapters._broadcast import Answers, Broadcast
from trio_socketio.adapters._members import LocalMember, NamespaceHost
from trio_socketio.adapters._own_rooms import is_foreign, require_own_rooms
from trio_socketio.adapters._records import SocketRecord
from trio_socketio.adapters._room_observers import RoomEvent, RoomObserver, RoomObservers
from trio_socketio.errors import LocalProtocolError
from trio_socketio.socketio import RoomIndex, Target

__all__ = ["LocalAdapter"]

#: After so many broadcasts or bytes for members of this process, ``settle`` waits until queued messages are written.
#: Otherwise a loop of broadcasts would fill the outboxes of clients that do read. To wait after each broadcast would
#: take fifteen times as many writes.
EMITS_BETWEEN_FLUSHES, BYTES_BETWEEN_FLUSHES = 32, 65_536
#: After so many broadcasts, ``settle`` waits in any case, so that a loop of broadcasts lets other tasks run.
EMITS_BETWEEN_CHECKPOINTS = 256

M = TypeVar("M", bound=LocalMember)


class LocalAdapter(Adapter[M]):
    """The default adapter. All members of the namespace are sockets of this process. It runs no tasks.

    Only this adapter uses the room index and the outboxes. Adapters for clusters derive from it.
    """

    def __init__(self, host: NamespaceHost[M]) -> None:
        super().__init__(host)
        self._index: RoomIndex[M] = RoomIndex()
        self._pace = Pace(EMITS_BETWEEN_FLUSHES, BYTES_BETWEEN_FLUSHES, EMITS_BETWEEN_CHECKPOINTS)
        self._observers: RoomObservers | None = None

    @property
    def members(self) -> Mapping[str, M]:
        """The members by id. Do not change this mapping."""
        return self._index.members

    # membership

    def add(self, member: M, rooms: Collection[str]) -> None:
        """See ``Adapter.add``. Other members in the room of the new id are taken out of that room, and logged."""
        index = self._index
        strangers = [(stranger, index.leave(stranger, member.id)) for stranger in index.in_room(member.id)]
        for stranger, _ in strangers:
            self._log_taken_out(stranger, member.id)
        index.add(member, member.connection)
        changes = [(member.id, 2)]
        for room in rooms:
            if is_foreign(index.members, member, room):
                self._log_taken_out(member, room)
            else:
                changes.append((room, index.join(member, room)))
        if self._observers is not None:
            left = [
                self._observers.left(stranger.id, [(member.id, change)]) for stranger, change in strangers
            ]
            self.host.report(chain(*left, self._observers.joined(member.id, changes)))

    def _log_taken_out(self, member: M, room: str) -> None:
        self.host.log.warning(
            "socket %s was removed from the room %s, because a socket with this id has connected: "
            "give rooms that users name a prefix",
            member.id,
            room,
        )

    def mute(self, member: M) -> None:
        """See ``Adapter.mute``."""
        self._index.mute(member)

    def remove(self, member: M) -> None:
        """See ``Adapter.remove``. Leaving the room of its own id is reported to observers first."""
        if self._observers is None:
            self._index.remove(member)
            return
        rooms = sorted(self._index.rooms_of(member), key=lambda room: (room != member.id, room))
        changes = [(room, self._index.leave(member, room)) for room in rooms]
        self._index.remove(member)
        self.host.report(self._observers.left(member.id, changes))

    def join(self, member: M, rooms: Collection[str]) -> None:
        """See ``Adapter.join``."""
        require_own_rooms(self._index.members, member, rooms)
        if self._observers is None:
            for room in rooms:
                self._index.join(member, room)
        else:
            changes = [(room, self._index.join(member, room)) for room in rooms]
            self.host.report(self._observers.joined(member.id, changes))

    def leave(self, member: M, rooms: Collection[str]) -> None:
        """See ``Adapter.leave``."""
        if self._observers is None:
            for room in rooms:
                self._index.leave(member, room)
        else:
            changes = [(room, self._index.leave(member, room)) for room in rooms]
            self.host.report(self._observers.left(member.id, changes))

    def rooms_of(self, member: M) -> frozenset[str]:
        """See ``Adapter.rooms_of``."""
        return self._index.rooms_of(member)

    def on_room(self, event: RoomEvent, observer: RoomObserver) -> None:
        """See ``Adapter.on_room``. While there are no observers, changes of rooms cost no extra time."""
        if self._observers is None:
            self._observers = RoomObservers()
        self._observers.add(event, observer)

    # broadcasting

    def broadcast(self, broadcast: Broadcast) -> None:
        """Append the message to the outboxes of all members of the target.

        Members with a full outbox are passed to the host only after all others have the message.
        """
        index, message = self._index, broadcast.message
        full = index.broadcast(message, broadcast.target)
        if full:
            self.host.overflowed(full)
        if broadcast.waits and self._pace.count(message, index.has_reached):
            broadcast.must_settle = True

    async def settle(self, broadcast: Broadcast) -> None:
        """Wait until queued messages are written."""
        await self.host.flushed()

    async def call(self, broadcast: Broadcast, timeout: float) -> Answers:
        """See ``Adapter.call``. The answer of a socket that is disconnected or has a full outbox is missing."""
        ack_id = broadcast.ack_id
        assert ack_id is not None
        broadcast.message  # noqa: B018  # raises here, before the wait begins, if it cannot be encoded
        calls = {member: member.expect(ack_id) for member in self.select(broadcast.target)}
        try:
            self.broadcast(broadcast)
            with trio.move_on_after(timeout):
                for call in calls.values():
                    await call.wait()
        finally:
            for member in calls:
                member.forget(ack_id)
        answered = {member.id: call.value for member, call in calls.items() if call.answered}
        return Answers(answered, frozenset(member.id for member in calls if member.id not in answered))

    # sockets

    def select(self, target: Target) -> list[M]:
        """Return the connected members of a target in this process, each once."""
        return [member for member in self._index.select(target) if member.connected]

    async def fetch(self, target: Target) -> Sequence[M | SocketRecord]:
        """See ``Adapter.fetch``."""
        await trio.lowlevel.checkpoint()
        return self.select(target)

    async def sockets_join(self, target: Target, rooms: Collection[str]) -> None:
        """See ``Adapter.sockets_join``."""
        await trio.lowlevel.checkpoint()
        self.sockets_join_nowait(target, rooms)

    async def sockets_leave(self, target: Target, rooms: Collection[str]) -> None:
        """See ``Adapter.sockets_leave``."""
        await trio.lowlevel.checkpoint()
        self.sockets_leave_nowait(target, rooms)

    async def disconnect_sockets(self, target: Target, close: bool) -> None:
        """See ``Adapter.disconnect_sockets``."""
        await trio.lowlevel.checkpoint()
        self.disconnect_sockets_nowait(target, close)

    def sockets_join_nowait(self, target: Target, rooms: Collection[str]) -> None:
        """See ``Adapter.sockets_join_nowait``."""
        chosen = self.select(target)
        for member in chosen:
            require_own_rooms(self._index.members, member, rooms)
        for member in chosen:
            if member.connected:  # an observer of the rooms may have disconnected it
                self.join(member, rooms)

    def sockets_leave_nowait(self, target: Target, rooms: Collection[str]) -> None:
        """See ``Adapter.sockets_leave_nowait``."""
        for member in self.select(target):
            self.leave(member, rooms)

    def disconnect_sockets_nowait(self, target: Target, close: bool) -> None:
        """See ``Adapter.disconnect_sockets_nowait``."""
        for member in self.select(target):
            member.disconnect(close)

    # servers

    async def server_count(self) -> int:
        """Return 1, because there is no cluster."""
        await trio.lowlevel.checkpoint()
        return 1

    async def server_side_emit(self, event: str, args: tuple[Any, ...]) -> None:
        """Refuse the event, because there is no cluster.

        Raises:
            LocalProtocolError: always.
        """
        await trio.lowlevel.checkpoint()
        raise LocalProtocolError(
            f"server_side_emit({event!r}) needs a cluster adapter, but this server has none"
        )

    async def server_side_call(self, event: str, args: tuple[Any, ...], timeout: float) -> list[Any]:
        """Refuse the event, because there is no cluster.

        Raises:
            LocalProtocolError: always.
        """
        await trio.lowlevel.checkpoint()
        raise LocalProtocolError(
            f"server_side_call({event!r}) needs a cluster adapter, and this server has none"
        )
