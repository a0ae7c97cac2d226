"""The base of the observers of Engine.IO sessions: waiting for room in the outbox, and backpressure."""

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

#: The number that ``Connection.send`` returns if there is no room. It is no ``PushStatus``, which takes 0.4 µs to make.
FULL = int(PushStatus.FULL)


class Connected(Protocol):
    """A socket whose messages wait for room in the outbox."""

    @property
    def reason(self) -> DisconnectReason | None:
        """Why the socket has ended; None if it has not."""

    @property
    def connected(self) -> bool:
        """Whether messages can be sent."""
        ...


class Peer(ABC):
    """The base class of the observers of sessions.

    Attributes:
        session: the session.
        engine_socket: the object that ``conn`` returns; None until ``conn`` is first used.
        listeners: the functions registered through ``engine_socket``; None if there is no such object.
        waiting: the number of sends that wait for room in the outbox. Later ``emit`` calls wait behind them.
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
        """The public object for the session."""
        if self.engine_socket is None:
            self.listeners = Listeners(self.session)
            self.engine_socket = EngineConn(self.session, self.listeners)
        return self.engine_socket

    def held(self, seconds: float) -> None:
        """Log the handlers that a full inbox has waited for, each handler once."""
        known = self.runtime.known_holders
        holders = [name for name in self._holders() if name not in known]
        if holders:
            known.update(holders)
            self.runtime.log.warning(
                "session %s… has not been read for %g s, because its inbox is full and waits for %s. "
                "Do long work in a task of socket.nursery",
                self.session.sid[:6],
                seconds,
                ", ".join(holders),
            )

    @abstractmethod
    def _holders(self) -> Iterable[str]:
        """Return the names of the handlers that the events or messages of a full inbox wait for."""

    def heartbeat(self, now: float) -> None:  # noqa: B027
        """Ignored: only ``Observed`` uses it."""

    def upgrading(self) -> None:  # noqa: B027
        """Ignored: only ``Observed`` uses it."""

    def writable(self) -> None:
        """Wake the tasks that wait for room or for a flush, because messages were written."""
        if self._room is not None:
            self._room.unpark_all()
        if self.listeners is not None:
            self.listeners.written()

    # sending

    def overflow(self) -> None:
        """Disconnect the client, because its outbox is full and the next message can neither wait nor be dropped."""
        limits = self.runtime.config.outbox
        size = f"{limits.max_packets} packets and {limits.max_bytes} bytes"
        self.give_up(f"the client does not read, so its outbox is full: the limits are {size}")

    def give_up(self, description: str) -> None:
        """End the session and log why, because the client has exceeded a limit."""
        if self.session.is_open:
            self.runtime.log.warning("session %s… is disconnected: %s", self.session.sid[:6], description)
            self.session.fail(DisconnectReason.FORCED_SERVER_CLOSE, description, code=1008)

    async def send_waiting(self, socket: Connected, message: Message) -> None:
        """Queue a message as soon as the full outbox has room.

        With the policy ``disconnect``, disconnect the client if there is no room after ``write_timeout``.

        Args:
            socket: the socket that sends the message.
            message: the message.

        Raises:
            Disconnected: the socket has ended meanwhile, or the client was disconnected after ``write_timeout``.
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
            room.unpark_all()  # later sends may find room that this one has not used
        self.give_up(f"the client did not read for write_timeout={timeout:g} s")
        raise Disconnected(
            f"the socket was disconnected: the client did not read for write_timeout={timeout:g} s"
        )

    def _waiting_room(self) -> trio.lowlevel.ParkingLot:
        """Return the parking lot of tasks that wait until messages are written."""
        if self._room is None:
            self._room = trio.lowlevel.ParkingLot()
            self.session.link.watched = True
        return self._room

    async def flush(self) -> None:
        """Wait until all messages queued so far are written, dropped, or lost with the session."""
        link = self.session.link
        target = link.pushed
        room = self._waiting_room()
        await trio.lowlevel.checkpoint()
        while link.confirmed < target and self.session.is_open:
            await room.park()

    # backpressure

    @property
    def calls_pending(self) -> bool:
        """Whether a call waits for an acknowledgement of the client. Then reading goes on, to receive it."""
        return False

    def inbox_full(self) -> None:
        """Count an inbox that is above its soft limit, and stop reading from the client unless a call is pending."""
        self._full += 1
        self._update_reading()

    def inbox_drained(self) -> None:
        """Count an inbox as no longer full, and resume reading if it was the last one."""
        self._full -= 1
        self._update_reading()

    def _update_reading(self) -> None:
        if not self.session.is_open:
            return
        if self._full and not self.calls_pending:
            self.session.pause(trio.current_time())
        else:
            self.session.resume(trio.current_time())
