"""One Engine.IO session as the layer above it sees it: its outbox, and whether it is read."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Protocol

import trio

from trio_socketio._core import Message, PushStatus
from trio_socketio.engineio import Session
from trio_socketio.errors import Disconnected, DisconnectReason
from trio_socketio.serving._base_runtime import BaseRuntime
from trio_socketio.serving._engine_conn import EngineConn
from trio_socketio.serving._listeners import Listeners

__all__ = ["FULL", "Peer"]

#: What ``Connection.send`` returns when there is no room: a number, because to make a ``PushStatus`` takes 0.4 µs.
FULL = int(PushStatus.FULL)


class Connected(Protocol):
    """Whose messages wait for room."""

    @property
    def reason(self) -> DisconnectReason | None:
        """Why it has ended; None: it has not."""

    @property
    def connected(self) -> bool:
        """Whether messages can be sent."""
        ...


class Peer(ABC):
    """What the observers of sessions have in common.

    Attributes:
        session: the session.
        engine_socket: what ``conn`` has given out; None: nobody has asked for it.
        listeners: the functions registered through ``engine_socket``; None: there is no such object.
        waiting: how many wait for room in the outbox; nobody who comes later may take it.
    """

    __slots__ = ("_full", "_room", "engine_socket", "listeners", "session", "waiting")

    runtime: BaseRuntime

    def __init__(self, session: Session) -> None:
        self.session = session
        self.engine_socket: EngineConn | None = None
        self.listeners: Listeners | None = None
        self._full = 0
        self.waiting = 0
        self._room: trio.lowlevel.ParkingLot | None = None

    @property
    def conn(self) -> EngineConn:
        """The session as applications see it."""
        if self.engine_socket is None:
            self.listeners = Listeners(self.session)
            self.engine_socket = EngineConn(self.session, self.listeners)
        return self.engine_socket

    def held(self, seconds: float) -> None:
        """Name what holds the client in the log, each handler once."""
        known = self.runtime.known_holders
        holders = [name for name in self._holders() if name not in known]
        if holders:
            known.update(holders)
            self.runtime.log.warning(
                "session %s… has not been read for %g s: its inbox is full, and what takes long is %s. "
                "Long work belongs into a task (socket.nursery)",
                self.session.sid[:6],
                seconds,
                ", ".join(holders),
            )

    @abstractmethod
    def _holders(self) -> Iterable[str]:
        """What keeps the events or messages of a full inbox waiting: handlers, by their names."""

    def heartbeat(self, now: float) -> None:  # noqa: B027
        """Ignored: only ``Observed`` uses it."""

    def upgrading(self) -> None:  # noqa: B027
        """Ignored, too."""

    def writable(self) -> None:
        """Something was written: let those try again who wait for room."""
        if self._room is not None:
            self._room.unpark_all()
        if self.listeners is not None:
            self.listeners.written()

    # sending

    def overflow(self) -> None:
        """The outbox is full, and the next message can neither wait nor be dropped: give the client up."""
        limits = self.runtime.config.outbox
        size = f"{limits.max_packets} packets, {limits.max_bytes} bytes"
        self.give_up(f"the client does not read: outbox of {size} is full")

    def give_up(self, description: str) -> None:
        """End the session: a limit is passed that cannot make its client wait."""
        if self.session.is_open:
            self.runtime.log.warning("session %s… is disconnected: %s", self.session.sid[:6], description)
            self.session.fail(DisconnectReason.FORCED_SERVER_CLOSE, description, code=1008)

    async def send_waiting(self, socket: Connected, message: Message) -> None:
        """Queue a message that no room was found for, as soon as there is some, where the policy says so.

        Args:
            socket: whose message it is.
            message: what to send.

        Raises:
            Disconnected: the socket has ended meanwhile, or has been given up after ``write_timeout``.
        """
        config = self.runtime.config
        timeout = config.write_timeout if config.outbox.policy == "disconnect" else math.inf
        room = self._waiting_room()
        self.waiting += 1
        try:
            with trio.move_on_after(timeout):
                while True:
                    await room.park()
                    if not socket.connected:
                        raise Disconnected(f"the socket was disconnected: {socket.reason}")
                    if self.session.link.send(message) != FULL:
                        return
        finally:
            self.waiting -= 1
            room.unpark_all()  # whoever came later may find room that this one has not used
        self.give_up(f"the client did not read for write_timeout={timeout:g} s")
        raise Disconnected("the socket was disconnected: nothing was read for write_timeout")

    def _waiting_room(self) -> trio.lowlevel.ParkingLot:
        """Where those wait who want to know that something was written."""
        if self._room is None:
            self._room = trio.lowlevel.ParkingLot()
            self.session.link.watched = True
        return self._room

    async def flush(self) -> None:
        """Wait until all that is queued now is written, dropped, or lost with the session."""
        conn = self.session.link
        target = conn.pushed
        room = self._waiting_room()
        await trio.lowlevel.checkpoint()
        while conn.confirmed < target and self.session.is_open:
            await room.park()

    # backpressure

    @property
    def calls_pending(self) -> bool:
        """Whether an acknowledgement of the client is waited for; then reading goes on."""
        return False

    def inbox_full(self) -> None:
        """A socket's inbox is above its soft limit."""
        self._full += 1
        self._update_reading()

    def inbox_drained(self) -> None:
        """It is no longer."""
        self._full -= 1
        self._update_reading()

    def _update_reading(self) -> None:
        if not self.session.is_open:
            return
        if self._full and not self.calls_pending:
            self.session.pause(trio.current_time())
        else:
            self.session.resume(trio.current_time())
