"""The interfaces of a server to its adapters: the members of a namespace, and the namespace as their host."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

import trio

from trio_socketio._core import Connection, Member, Message
from trio_socketio.adapters._records import SocketRecord

__all__ = ["LocalMember", "NamespaceHost", "PendingAck", "Wake"]


class Wake(Protocol):
    """A wake-up that is set when an acknowledgement has come, or cannot come any more."""

    def set(self) -> None:
        """Wake the waiting task. This must not raise."""

    async def wait(self) -> None:
        """Wait until ``set`` is called."""


class PendingAck(Protocol):
    """The acknowledgement that is expected from one member."""

    @property
    def answered(self) -> bool:
        """Whether the acknowledgement has come."""
        ...

    @property
    def value(self) -> Any:
        """The values of the acknowledgement: a tuple if there are several, None if there is none."""

    async def wait(self) -> None:
        """Wait until the acknowledgement has come, or cannot come any more."""


class LocalMember(Member, ABC):
    """A socket of this process, as an adapter sees it.

    This is a class and not a Protocol, because the room index stores its entries inside the object.

    Attributes:
        id: the id of the socket. It is also the name of a room that only this member may join.
    """

    __slots__ = ()

    id: str

    @property
    @abstractmethod
    def connected(self) -> bool:
        """Whether events can be sent to the client."""

    @property
    @abstractmethod
    def connection(self) -> Connection:
        """The connection object. Its outbox takes the messages to the member."""

    @abstractmethod
    def disconnect(self, close: bool) -> None:
        """Disconnect the client from the namespace. If ``close``, also from all others, and end the session."""

    @abstractmethod
    def expect(self, ack_id: int, wake: Wake | None = None) -> PendingAck:
        """Expect an acknowledgement with this id. Call ``forget`` with the same id afterwards.

        Args:
            ack_id: the id.
            wake: what to set when it has come, or cannot come any more; None: only ``PendingAck.wait`` is used.
        """

    @abstractmethod
    def forget(self, ack_id: int) -> None:
        """Stop expecting an acknowledgement. If it comes later, it is ignored."""

    @abstractmethod
    def record(self) -> SocketRecord:
        """Describe the socket to other servers, without its rooms."""


M_contra = TypeVar("M_contra", bound=LocalMember, contravariant=True)


class NamespaceHost(Protocol[M_contra]):
    """The namespace that an adapter belongs to. It exists before and after the server runs."""

    @property
    def name(self) -> str:
        """The name of the namespace. It begins with a slash."""
        ...

    @property
    def is_keyed(self) -> bool:
        """Whether messages need a key, by which outboxes find others of the same event. ``encode`` sets it."""
        ...

    @property
    def log(self) -> logging.Logger:
        """The server's logger."""
        ...

    @property
    def nursery(self) -> trio.Nursery:
        """The nursery of the running server, for the tasks of the adapter. They are cancelled when the server stops.

        If one of these tasks raises an exception, the server stops.

        Raises:
            RuntimeError: the server is not running.
        """
        ...

    def encode(self, event: object, args: tuple[Any, ...], ack_id: int | None = None) -> Message:
        """Encode an event of the namespace.

        Raises:
            ReservedEventError, LocalProtocolError: as ``Broadcast.message``.
        """
        ...

    def next_ack_id(self) -> int:
        """Return an id for the acknowledgements of one event."""
        ...

    def server_event(self, event: str, args: list[Any], respond: Callable[[Any], None] | None) -> bool:
        """Call the handlers that the application has registered with ``on_server``.

        Args:
            event: the name of an event that another server has sent.
            args: its arguments.
            respond: called at most once, with the value that the handlers return; None if no value is wanted.

        Returns:
            Whether the event was taken. It is not if too many events of servers are being handled.
        """
        ...

    def report(self, calls: Iterable[tuple[Callable[..., object], tuple[Any, ...]]]) -> None:
        """Call functions of the application with these arguments, one after the other.

        If another report is being delivered, the calls follow it, else they are made at once. Their exceptions are
        logged.
        """

    async def flushed(self) -> None:
        """Wait until the queued messages of every connection were offered to the kernel once."""

    def overflowed(self, members: Iterable[M_contra]) -> None:
        """Disconnect the clients of these members, because their full outboxes have refused a message."""
