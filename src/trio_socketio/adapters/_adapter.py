"""The seam between a namespace and what carries its messages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import Any, Generic, TypeVar

from trio_socketio.adapters._broadcast import Answers, Broadcast
from trio_socketio.adapters._members import LocalMember, NamespaceHost
from trio_socketio.adapters._room_observers import RoomEvent, RoomObserver
from trio_socketio.socketio import Target

__all__ = ["Adapter", "AdapterFactory"]

M = TypeVar("M", bound=LocalMember)


class Adapter(ABC, Generic[M]):
    """Knows the members of one namespace and their rooms, and carries broadcasts to them.

    A server makes one for each namespace: ``Server(adapter=LocalAdapter)``. The option is a function that takes the
    host and returns an adapter; a class is such a function. An adapter speaks in events, targets and ids, and never in
    bytes. To write one, derive from ``LocalAdapter``, extend what has to reach other processes, and call ``super()``
    for the members of this one.

    Everything is called from a Trio task of the server's thread, in which the plain methods do not wait. An adapter
    that needs a task starts it in ``host.nursery`` when it is first needed, because a namespace may exist before its
    server runs.

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
        """The members by id; not to be written to."""

    @abstractmethod
    def add(self, member: M, rooms: Collection[str]) -> None:
        """Add a member, which is then in the room of its own id.

        Args:
            member: the new one.
            rooms: more rooms that it joins. One that is another member's id is left out, and logged.

        Raises:
            ValueError: there is a member of this id.
        """

    @abstractmethod
    def mute(self, member: M) -> None:
        """Send nothing to this member any more; it stays in its rooms until ``remove``."""

    @abstractmethod
    def remove(self, member: M) -> None:
        """Remove a member from all its rooms and from the namespace; nothing happens if it is not there."""

    @abstractmethod
    def join(self, member: M, rooms: Collection[str]) -> None:
        """Put a member into rooms.

        Raises:
            KeyError: it is not there.
            ValueError: a room is the id of another member; none was joined.
        """

    @abstractmethod
    def leave(self, member: M, rooms: Collection[str]) -> None:
        """Take a member out of rooms; those it is not in do not matter."""

    @abstractmethod
    def rooms_of(self, member: M) -> frozenset[str]:
        """The rooms of a member, its own id among them; none if it is not there."""

    @abstractmethod
    def on_room(self, event: RoomEvent, observer: RoomObserver) -> None:
        """Call a plain function when a room of this process appears or disappears, or a member joins or leaves one.

        It is called after the change, through ``NamespaceHost.report``. The room of a member's own id is one of them.

        Args:
            event: one of ``ROOM_EVENTS``. If several happen, they are told in the order create, join; leave, delete.
            observer: is given the room, and for ``join-room`` and ``leave-room`` the member's id.
        """

    # broadcasting

    @abstractmethod
    def broadcast(self, broadcast: Broadcast) -> None:
        """Queue an event for all members of its target, without waiting.

        Raises:
            ReservedEventError, LocalProtocolError: as ``Broadcast.message``; it was sent to no member.
        """

    @abstractmethod
    async def settle(self, broadcast: Broadcast) -> None:
        """Wait, after ``broadcast``, as long as ``await emit`` is to be slowed down.

        Cancellation: the broadcast was queued already, so this must not raise ``Cancelled`` but return.
        """

    @abstractmethod
    async def call(self, broadcast: Broadcast, timeout: float) -> Answers:
        """Queue an event for all members of its target, and wait for their acknowledgements.

        Args:
            broadcast: has an ack id.
            timeout: for how long to wait, in seconds.

        Raises:
            ReservedEventError, LocalProtocolError: as ``broadcast``.

        Cancellation: acknowledgements that come later are ignored.
        """

    # sockets

    @abstractmethod
    async def fetch(self, target: Target) -> list[M]:
        """The connected members of a target, each once."""

    @abstractmethod
    async def sockets_join(self, target: Target, rooms: Collection[str]) -> None:
        """Put all connected members of a target into rooms.

        Raises:
            ValueError: a room is the id of another member than one that joins it; no member has joined any.
        """

    @abstractmethod
    async def sockets_leave(self, target: Target, rooms: Collection[str]) -> None:
        """Take all connected members of a target out of rooms."""

    @abstractmethod
    async def disconnect_sockets(self, target: Target, close: bool) -> None:
        """Disconnect all connected members of a target; see ``LocalMember.disconnect``."""

    # servers

    @abstractmethod
    async def server_count(self) -> int:
        """How many servers have this namespace, this one among them."""

    @abstractmethod
    async def server_side_emit(self, event: str, args: tuple[Any, ...]) -> None:
        """Send an event to the other servers of the cluster.

        Raises:
            LocalProtocolError: there is no cluster.
        """


#: Makes the adapter of one namespace.
AdapterFactory = Callable[[NamespaceHost[Any]], Adapter[Any]]
