"""The interface between a namespace and the adapter that delivers its broadcasts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Generic, TypeVar

from trio_socketio.adapters._broadcast import Answers, Broadcast
from trio_socketio.adapters._members import LocalMember, NamespaceHost
from trio_socketio.adapters._records import SocketRecord
from trio_socketio.adapters._room_observers import RoomEvent, RoomObserver
from trio_socketio.socketio import Target

__all__ = ["Adapter", "AdapterFactory"]

M = TypeVar("M", bound=LocalMember)


class Adapter(ABC, Generic[M]):
    """Holds the members of one namespace and their rooms, and delivers broadcasts to them.

    A server makes one adapter for each namespace: ``Server(adapter=LocalAdapter)``. The option is a function that takes
    the host and returns an adapter; a class is such a function. An adapter handles events, targets and ids, and no
    encoded bytes. To write an adapter, derive from ``LocalAdapter``, extend the methods that have to reach other
    processes, and call ``super()`` for the members of this process.

    All methods are called from a Trio task in the server's thread. Methods that are not async must not block. An
    adapter that needs a task starts it in ``host.nursery`` when it is first needed, because a namespace may exist
    before its server runs.

    Args:
        host: the namespace.

    Attributes:
        host: the namespace.
    """

    def __init__(self, host: NamespaceHost[M]) -> None:
        self.host = host

    # the members of this process

    @property
    @abstractmethod
    def members(self) -> Mapping[str, M]:
        """The members by id. Do not change this mapping."""

    @abstractmethod
    def add(self, member: M, rooms: Collection[str]) -> None:
        """Add a member. It joins the room of its own id.

        Args:
            member: the new member.
            rooms: more rooms that it joins. A room that is another member's id is left out, and logged.

        Raises:
            ValueError: there is a member with this id.
        """

    @abstractmethod
    def mute(self, member: M) -> None:
        """Stop all broadcasts to a member. It stays in its rooms until ``remove``."""

    @abstractmethod
    def remove(self, member: M) -> None:
        """Remove a member from all its rooms and from the namespace. Nothing happens if it is not a member."""

    @abstractmethod
    def join(self, member: M, rooms: Collection[str]) -> None:
        """Put a member into rooms.

        Raises:
            KeyError: it is not a member of the namespace.
            ValueError: a room is the id of another member. No room was joined.
        """

    @abstractmethod
    def leave(self, member: M, rooms: Collection[str]) -> None:
        """Take a member out of rooms. Rooms that it is not in are ignored."""

    @abstractmethod
    def rooms_of(self, member: M) -> frozenset[str]:
        """Return the rooms of a member, with that of its own id. The set is empty if it is not a member."""

    @abstractmethod
    def on_room(self, event: RoomEvent, observer: RoomObserver) -> None:
        """Call a plain function when a room of this process appears or disappears, or a member joins or leaves one.

        The function is called after the change, through ``NamespaceHost.report``. Changes of the rooms of members' own
        ids are reported, too.

        Args:
            event: one of ``ROOM_EVENTS``. A join is reported after the creation of its room, a leave before its
                deletion.
            observer: takes the room, and for ``join-room`` and ``leave-room`` the member's id.
        """

    # broadcasting

    @abstractmethod
    def broadcast(self, broadcast: Broadcast) -> None:
        """Queue an event for all members of its target, without waiting.

        If the event is sent by ``await emit`` and has to slow down its caller, set ``broadcast.must_settle``.

        Raises:
            ReservedEventError, LocalProtocolError: as ``Broadcast.message``. The event was sent to no member.
        """

    @abstractmethod
    async def settle(self, broadcast: Broadcast) -> None:
        """Wait after a ``broadcast`` that has set ``must_settle``, to slow down the caller of ``await emit``.

        Cancellation: return and do not raise ``Cancelled``, because the broadcast is queued already.
        """

    @abstractmethod
    async def call(self, broadcast: Broadcast, timeout: float) -> Answers:
        """Queue an event for all members of its target, and wait for their acknowledgements.

        Args:
            broadcast: the event. It has an ack id.
            timeout: how long to wait, in seconds.

        Raises:
            ReservedEventError, LocalProtocolError: as ``broadcast``.

        Cancellation: acknowledgements that come later are ignored.
        """

    # sockets

    @abstractmethod
    async def fetch(self, target: Target) -> Sequence[M | SocketRecord]:
        """Return the connected members of a target, each once, and the records of those of other servers.

        Raises:
            ClusterTimeout: other servers did not answer in time.
        """

    @abstractmethod
    async def sockets_join(self, target: Target, rooms: Collection[str]) -> None:
        """Put all connected members of a target into rooms.

        Raises:
            ValueError: a room is the id of another member than the one that would join it. No room was joined.
        """

    @abstractmethod
    async def sockets_leave(self, target: Target, rooms: Collection[str]) -> None:
        """Take all connected members of a target out of rooms."""

    @abstractmethod
    async def disconnect_sockets(self, target: Target, close: bool) -> None:
        """Disconnect all connected members of a target; see ``LocalMember.disconnect``."""

    @abstractmethod
    def sockets_join_nowait(self, target: Target, rooms: Collection[str]) -> None:
        """Do what ``sockets_join`` does, without waiting. If there is no room in a queue, other servers miss it.

        Raises:
            ValueError: as ``sockets_join``.
        """

    @abstractmethod
    def sockets_leave_nowait(self, target: Target, rooms: Collection[str]) -> None:
        """Do what ``sockets_leave`` does, without waiting, as ``sockets_join_nowait``."""

    @abstractmethod
    def disconnect_sockets_nowait(self, target: Target, close: bool) -> None:
        """Do what ``disconnect_sockets`` does, without waiting, as ``sockets_join_nowait``."""

    # servers

    @abstractmethod
    async def server_count(self) -> int:
        """Return the number of servers that have this namespace, including this one."""

    @abstractmethod
    async def server_side_emit(self, event: str, args: tuple[Any, ...]) -> None:
        """Send an event to the other servers of the cluster.

        Raises:
            LocalProtocolError: there is no cluster, or the arguments cannot be sent.
        """

    @abstractmethod
    async def server_side_call(self, event: str, args: tuple[Any, ...], timeout: float) -> list[Any]:
        """Send an event to the other servers of the cluster, and return the value of each of them.

        Args:
            event: the name of the event.
            args: its arguments.
            timeout: how long to wait, in seconds.

        Raises:
            LocalProtocolError: as ``server_side_emit``.
            ClusterTimeout: servers did not answer in time.
        """


#: Makes the adapter of one namespace.
AdapterFactory = Callable[[NamespaceHost[Any]], Adapter[Any]]
