"""The messages between the parent process and a worker, on a ``Pair`` that the worker inherits.

The parent begins with ``Start``. The worker loads the application, and answers ``Loaded`` or ``Failed``. Then the
parent sends a ``Join`` for each other worker and a ``Listen`` for each listening socket, and the worker answers
``Serving``. Later the parent sends ``Join`` as other workers start, and ``Left`` as they end. If either process ends,
the other one reads the end of the pair.
"""

from __future__ import annotations

from contextlib import nullcontext

import msgspec
import trio

from trio_socketio.workers._packet import BadPacket, Packet, close_all
from trio_socketio.workers._pair import Pair
from trio_socketio.workers._reserve import Reserve

__all__ = [
    "CONTROL_BYTES",
    "VERSION",
    "Control",
    "Drain",
    "Failed",
    "Join",
    "Leaving",
    "Left",
    "Listen",
    "Loaded",
    "Message",
    "Serving",
    "Start",
    "Unlisten",
]

#: The version of these messages. Processes with different versions do not work together.
VERSION = 1

#: The largest message, in bytes. A traceback or a path may be long.
CONTROL_BYTES = 1_048_576

#: The kind of all packets on this pair.
CONTROL = 0


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=False, tag=True):
    """A message between the parent and a worker."""


# from the parent


class Start(Message, frozen=True):
    """Begin. It is the first message to a worker.

    Attributes:
        version: the parent's ``VERSION``.
        instance: the number of the worker, which is in the ids of its sessions.
        slot: the number of its place among the workers, for the log.
        key: the key of session ids, which all workers share: 32 bytes.
        workers: how many workers there are. A single one is connected only to its successor.
        sockets: how many listening sockets the worker's slot has. The worker is serving when it has all of them.
        target: the module and the server in it, such as ``app:io``.
        import_path: where to look for modules: the parent's ``sys.path``.
        certificate: the path of the certificate for TLS; None for no TLS.
        private_key: the path of the certificate's key.
    """

    version: int
    instance: int
    slot: int
    key: bytes
    workers: int = 1
    sockets: int = 1
    target: str = ""
    import_path: tuple[bytes, ...] = ()
    certificate: bytes | None = None
    private_key: bytes | None = None


class Listen(Message, frozen=True):
    """Accept connections on a listening socket, whose descriptor comes with this message."""

    slot: int


class Unlisten(Message, frozen=True):
    """Stop accepting connections on the listening socket of a slot."""

    slot: int


class Join(Message, frozen=True):
    """Connect to another worker by a pair, of which one end comes with this message."""

    instance: int


class Left(Message, frozen=True):
    """Disconnect from another worker, because its process has ended."""

    instance: int


class Drain(Message, frozen=True):
    """Stop gracefully, within this time in seconds. With 0, stop at once, also during a drain."""

    timeout: float


# from a worker


class Loaded(Message, frozen=True):
    """The worker has loaded the application, and from now on reads messages at once."""


class Serving(Message, frozen=True):
    """The worker serves all its listening sockets.

    Attributes:
        version: the worker's ``VERSION``.
        stop_timeout: how long its stop may take after it has drained, in seconds.
    """

    version: int
    stop_timeout: float = 5.0


class Leaving(Message, frozen=True):
    """The worker has got a signal to stop. It serves on until the parent has started another one."""


class Failed(Message, frozen=True):
    """The worker cannot start, and ends.

    Attributes:
        reason: the reason, in a sentence for the user.
        traceback: the traceback of an exception of the application; empty if there is none.
    """

    reason: str
    traceback: str = ""


_Any = Start | Listen | Unlisten | Join | Left | Drain | Loaded | Serving | Leaving | Failed

_DECODER = msgspec.json.Decoder(_Any)

#: The messages with a descriptor.
_WITH_DESCRIPTOR = (Listen, Join)


class Control:
    """One end of the pair between the parent and a worker.

    Args:
        pair: the end. It belongs to this object from now on.
        reserve: keeps descriptors for received messages; None for the parent, which receives none.
    """

    def __init__(self, pair: Pair, reserve: Reserve | None = None) -> None:
        self._pair = pair
        self._reserve = reserve

    async def send(self, message: Message, descriptor: int | None = None) -> None:
        """Send a message. The caller keeps its descriptor.

        Raises:
            PairClosed: the other process has ended.

        Cancellation: the message is not sent.
        """
        descriptors = () if descriptor is None else (descriptor,)
        await self._pair.send(CONTROL, msgspec.json.encode(message), descriptors)

    def send_nowait(self, message: Message, descriptor: int | None = None) -> bool:
        """Send a message if the pair has room; returns whether it was sent. The caller keeps its descriptor.

        Raises:
            PairClosed: the other process has ended.
            OSError: the system lacks descriptors or memory.
        """
        descriptors = () if descriptor is None else (descriptor,)
        return self._pair.send_nowait(CONTROL, msgspec.json.encode(message), descriptors)

    async def receive(self) -> tuple[Message, int | None]:
        """Wait for a message, and return it with its descriptor, which the caller closes.

        Raises:
            BadPacket: the packet is no such message.
            PairClosed: the other process has ended.
        """
        await trio.lowlevel.checkpoint()
        while (received := self.receive_nowait()) is None:
            await self._pair.wait_readable()
        return received

    def receive_nowait(self) -> tuple[Message, int | None] | None:
        """Return the next message as ``receive`` does; None if none has arrived.

        Raises:
            BadPacket: the packet is no such message.
            PairClosed: the other process has ended.
        """
        with nullcontext() if self._reserve is None else self._reserve.free():
            packet = self._pair.receive_nowait()
        return None if packet is None else self._decoded(packet)

    def _decoded(self, packet: Packet) -> tuple[Message, int | None]:
        try:
            message: Message = _DECODER.decode(packet.content)
            if len(packet.descriptors) != isinstance(message, _WITH_DESCRIPTOR):
                raise BadPacket("descriptors")
        except (msgspec.DecodeError, RecursionError, ValueError):
            close_all(packet.descriptors)
            raise BadPacket("garbage") from None
        except BadPacket:
            close_all(packet.descriptors)
            raise
        return message, packet.descriptors[0] if packet.descriptors else None

    def close(self) -> None:
        """Close this end."""
        self._pair.close()
        if self._reserve is not None:
            self._reserve.close()

    def end(self) -> None:
        """Let the other process read the end of the pair, also if this process or a child of it goes on."""
        self._pair.end()
