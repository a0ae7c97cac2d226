"""The two connections of a bus to one server."""

from __future__ import annotations

from typing import TypeVar

from trio_socketio.adapters.cluster import BusError
from trio_socketio.adapters.redis._commands import Commands
from trio_socketio.adapters.redis._subscriber import Subscriber

__all__ = ["Node", "link_of"]

T = TypeVar("T")


class Node:
    """A connection for commands, and one for subscriptions.

    They are two because a long queue of messages would delay replies, and because Redis cuts off a subscriber that
    does not keep up.

    Attributes:
        commands: publishes and counts.
    """

    def __init__(self, commands: Commands) -> None:
        self.commands = commands
        self._subscriber: Subscriber | None = None

    @property
    def subscriber(self) -> Subscriber:
        """The connection for subscriptions. It is set once, when it is open. It ends when that for commands ends."""
        return link_of(self._subscriber)

    @subscriber.setter
    def subscriber(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber
        self.commands.connection.ended = subscriber.end

    async def aclose(self) -> None:
        """Close both connections."""
        await self.commands.connection.aclose()
        if self._subscriber is not None:
            await self._subscriber.connection.aclose()


def link_of(item: T | None) -> T:
    """Return an open connection.

    Raises:
        BusError: it is None, because the bus is not connected.
    """
    if item is None:
        raise BusError("there is no connection to Redis")
    return item
