"""The interfaces of a server to its adapters: the members of a namespace, and the namespace as their host."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

import trio

from trio_socketio._core import Connection, Member

__all__ = ["LocalMember", "NamespaceHost", "PendingAck"]


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
    def expect(self, ack_id: int) -> PendingAck:
        """Expect an acknowledgement with this id. Call ``forget`` with the same id afterwards."""

    @abstractmethod
    def forget(self, ack_id: int) -> None:
        """Stop expecting an acknowledgement. If it comes later, it is ignored."""


M_contra = TypeVar("M_contra", bound=LocalMember, contravariant=True)


class NamespaceHost(Protocol[M_contra]):
    """The namespace that an adapter belongs to. It exists before and after the server runs."""

    @property
    def name(self) -> str:
        """The name of the namespace. It begins with a slash."""
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

    def report(self, calls: Iterable[tuple[Callable[..., object], tuple[Any, ...]]]) -> None:
        """Call functions of the application with these arguments, one after the other.

        If another report is being delivered, the calls follow it, else they are made at once. Their exceptions are
        logged.
        """

    async def flushed(self) -> None:
        """Wait until the queued messages of every connection were offered to the kernel once."""

    def overflowed(self, members: Iterable[M_contra]) -> None:
        """Disconnect the clients of these members, because their full outboxes have refused a message."""
