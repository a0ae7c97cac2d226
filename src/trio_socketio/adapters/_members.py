"""What an adapter sees of a server: the members of its namespace, and the host that calls it."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

import trio

from trio_socketio._core import Connection, Member

__all__ = ["LocalMember", "NamespaceHost", "PendingAck"]


class PendingAck(Protocol):
    """An acknowledgement that one member was asked for."""

    @property
    def answered(self) -> bool:
        """Whether it has come."""
        ...

    @property
    def value(self) -> Any:
        """The client's answer: a tuple for several values, None for none."""

    async def wait(self) -> None:
        """Wait until it has come, or cannot come any more."""


class LocalMember(Member, ABC):
    """A socket of this process, as an adapter sees it.

    This is a class and not a Protocol because the room index keeps its entries inside the object.

    Attributes:
        id: the socket's id, which also names the room that this member alone is in.
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
        """The connection object whose outbox takes the member's messages."""

    @abstractmethod
    def disconnect(self, close: bool) -> None:
        """Disconnect the client from the namespace; ``close``: from all namespaces, and end the session."""

    @abstractmethod
    def expect(self, ack_id: int) -> PendingAck:
        """Begin to wait for an acknowledgement. Call ``forget`` with the same id afterwards."""

    @abstractmethod
    def forget(self, ack_id: int) -> None:
        """End the wait; an acknowledgement that comes later is ignored."""


M_contra = TypeVar("M_contra", bound=LocalMember, contravariant=True)


class NamespaceHost(Protocol[M_contra]):
    """The namespace that an adapter works for. It exists before the server runs, and after."""

    @property
    def name(self) -> str:
        """The name of the namespace, with its slash."""
        ...

    @property
    def log(self) -> logging.Logger:
        """The server's logger."""
        ...

    @property
    def nursery(self) -> trio.Nursery:
        """The nursery of the running server, for the adapter's own tasks. They are cancelled when the server stops.

        An exception that one of them raises stops the server.

        Raises:
            RuntimeError: the server does not run.
        """
        ...

    def report(self, calls: Iterable[tuple[Callable[..., object], tuple[Any, ...]]]) -> None:
        """Call functions of the application with these arguments, one after the other.

        They are called at once, or, if the application is being told something else, after that. Their errors are
        logged.
        """

    async def flushed(self) -> None:
        """Wait until every connection that has something queued was offered to the kernel once."""

    def overflowed(self, members: Iterable[M_contra]) -> None:
        """Disconnect the clients whose full outboxes can neither take a message nor drop one."""
