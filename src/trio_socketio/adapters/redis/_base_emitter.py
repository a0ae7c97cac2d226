"""What the emitters have in common: the choice of sockets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from trio_socketio.adapters.cluster import EMITTER, MessageType, options_of
from trio_socketio.errors import ReservedEventError
from trio_socketio.socketio import RESERVED_EVENTS, Target

__all__ = ["BaseEmitter", "Nothing"]


class Nothing(int):
    """What an emitter returns when it publishes nothing: 0, which can also be awaited."""

    def __await__(self) -> Generator[None, None, int]:
        """Return 0 at once."""
        return 0
        yield


@dataclass(frozen=True, eq=False)
class BaseEmitter(ABC):
    """Emits to the clients of a cluster from a process that has no server.

    The methods that choose sockets return a copy. The others publish at once, and return what the method of the Redis
    client returns: with a client whose methods are asynchronous, await it. There are no acknowledgements, since an
    emitter does not receive.

    Attributes:
        redis: the Redis client.
        namespace: the namespace of the chosen sockets.
        target: the choice.
    """

    uid: ClassVar[str] = EMITTER

    redis: Any
    namespace: str = field(default="/", kw_only=True)
    target: Target = field(default=Target(), kw_only=True)

    @abstractmethod
    def _publish(self, kind: MessageType, data: dict[str, Any]) -> Any:
        """Publish a message with the meaning of this envelope."""

    # the choice of sockets

    def of(self, namespace: str) -> Self:
        """Return an emitter for another namespace. It chooses all sockets."""
        name = namespace if namespace.startswith("/") else f"/{namespace}"
        return replace(self, namespace=name, target=Target())

    def to(self, *rooms: str | Iterable[str]) -> Self:
        """Choose the sockets in these rooms, too. The id of a socket is its own room; no rooms mean no sockets."""
        return replace(self, target=self.target.to(_names(rooms)))

    in_ = to

    def except_(self, *rooms: str | Iterable[str]) -> Self:
        """Leave out the sockets in these rooms."""
        return replace(self, target=self.target.without(_names(rooms)))

    @property
    def volatile(self) -> Self:
        """Leave out sockets that cannot receive at once; see ``Server.volatile``."""
        return replace(self, target=replace(self.target, volatile=True))

    def compress(self, compress: bool) -> Self:
        """Set whether the event may be compressed."""
        return replace(self, target=replace(self.target, compress=compress))

    # publishing

    def _tell(self, kind: MessageType, data: dict[str, Any]) -> Any:
        if self.target.rooms is not None and not self.target.rooms:
            return Nothing()  # an empty list of rooms means all sockets on the wire
        return self._publish(kind, {**data, "opts": options_of(self.target)})

    def emit(self, event: str, *args: Any) -> Any:
        """Send an event to the chosen sockets.

        Raises:
            ReservedEventError: the name is reserved by Socket.IO.
            LocalProtocolError: the arguments cannot be encoded.
        """
        if event in RESERVED_EVENTS:
            raise ReservedEventError(event)
        packet = {"type": 2, "data": [event, *args], "nsp": self.namespace}
        return self._tell(MessageType.BROADCAST, {"packet": packet})

    def sockets_join(self, *rooms: str | Iterable[str]) -> Any:
        """Put the chosen sockets into rooms."""
        return self._tell(MessageType.SOCKETS_JOIN, {"rooms": list(_names(rooms))})

    def sockets_leave(self, *rooms: str | Iterable[str]) -> Any:
        """Take the chosen sockets out of rooms."""
        return self._tell(MessageType.SOCKETS_LEAVE, {"rooms": list(_names(rooms))})

    def disconnect_sockets(self, *, close: bool = False) -> Any:
        """Disconnect the chosen sockets from the namespace; if ``close``, their clients from all namespaces."""
        return self._tell(MessageType.DISCONNECT_SOCKETS, {"close": close})

    def server_side_emit(self, event: str, *args: Any) -> Any:
        """Send an event to all servers of the namespace, for their ``on_server`` handlers.

        Raises:
            LocalProtocolError: the arguments cannot be encoded.
        """
        return self._publish(MessageType.SERVER_SIDE_EMIT, {"packet": [event, *args]})


def _names(rooms: Iterable[str | Iterable[str]]) -> dict[str, None]:
    """Return the names of rooms, which were given one by one or in collections, in their order."""
    return dict.fromkeys(name for item in rooms for name in ((item,) if isinstance(item, str) else item))
