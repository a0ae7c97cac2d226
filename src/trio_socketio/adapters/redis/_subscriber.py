"""The receiving side of publish and subscribe: one connection that carries subscriptions and their messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import trio

from trio_socketio._core import messages_of
from trio_socketio.adapters.cluster import BusError
from trio_socketio.adapters.redis._resp import CommandError, RespConnection, pack

__all__ = ["Subscriber"]

Messages = list[tuple[str, bytes]]

#: How much longer a reply may take to be read, in seconds, because this process may have been busy.
GRACE = 0.1

# Tuples, because a hostile server may send kinds that have no hash.
MESSAGES = b"message", b"pmessage", b"smessage"
SUBSCRIBED = b"subscribe", b"psubscribe", b"ssubscribe"
UNSUBSCRIBED = b"unsubscribe", b"punsubscribe", b"sunsubscribe"


class Subscriber:
    """Subscribes to channels and receives their messages.

    ``receive`` is the only method that reads. So ``subscribe`` and ``unsubscribe`` wait until another task receives the
    confirmations, and ``check`` until it receives a reply.

    Args:
        connection: a connection on which no reply is missing.
        timeout: how long confirmations and the reply to a PING may take, in seconds.
    """

    def __init__(self, connection: RespConnection, timeout: float) -> None:
        self.connection = connection
        self._timeout = timeout
        self._names: dict[bytes, str] = {}
        self._awaited: set[bytes] = set()
        self._confirmed = trio.Event()
        self._sending = trio.Lock()
        self._replied: trio.Event | None = None

    def __len__(self) -> int:
        """Return the number of subscriptions."""
        return len(self._names)

    # subscriptions: one task

    async def subscribe(self, command: bytes, names: dict[bytes, str], *, at_once: bool = True) -> None:
        """Subscribe, and wait for the confirmations.

        Args:
            command: SUBSCRIBE, PSUBSCRIBE or SSUBSCRIBE.
            names: the channels or patterns, and the name with which ``receive`` returns their messages.
            at_once: whether one command names all channels; otherwise each has a command.

        Raises:
            BusError: the connection has ended, the server refuses, or it does not confirm in time. The connection has
                ended then.
        """
        self._names.update(names)
        await self._change(command, names, at_once)

    async def unsubscribe(self, command: bytes, names: Iterable[bytes], *, at_once: bool = True) -> None:
        """Unsubscribe; see ``subscribe``."""
        names = [name for name in names if name in self._names]
        for name in names:
            del self._names[name]
        await self._change(command, names, at_once)

    async def _change(self, command: bytes, names: Iterable[bytes], at_once: bool) -> None:
        awaited = self._awaited = set(names)
        if not awaited:
            return
        confirmed = self._confirmed = trio.Event()
        commands = [awaited] if at_once else [[name] for name in awaited]
        data = b"".join([pack(command, *part) for part in commands])
        with trio.move_on_after(self._timeout):
            await self._send(data)
            await confirmed.wait()
        self.connection.check()
        if awaited:
            raise self.connection.fail(f"does not confirm subscriptions within {self._timeout:g} s")

    async def _send(self, data: bytes) -> None:
        async with self._sending:
            await self.connection.send(data)

    # messages: another task

    async def receive(self, skipped: tuple[bytes, ...] = ()) -> Messages:
        """Wait for messages, and return at least one.

        When this is cancelled, no message is lost.

        Args:
            skipped: messages that begin with one of these are not returned.

        Raises:
            BusError: the connection has ended. The server is lost, refuses a subscription, or sends something else than
                messages.
        """
        while True:
            try:
                replies = await self.connection.read(skipped)
                if replies and self._replied is not None:
                    self._replied.set()
                messages, others = messages_of(replies, self._names, skipped)
                for reply in others:
                    self._note(reply)
            except BusError:
                self._confirmed.set()  # there will be no confirmation
                raise
            if messages:
                return messages

    def end(self, reason: str) -> None:
        """End the connection, so that ``receive`` raises an error at once."""
        self.connection.fail(reason)

    # the check: a third task

    async def check(self) -> None:
        """Send a PING, and wait until another task has received a whole reply of any kind.

        Raises:
            BusError: the server is lost or frozen. The connection has ended then.
        """
        replied = self._replied = trio.Event()
        with trio.move_on_after(self._timeout):
            await self._send(pack(b"PING"))
            await replied.wait()
        with trio.move_on_after(GRACE):
            await replied.wait()
        self.connection.check()
        if not replied.is_set():
            raise self.connection.fail(f"does not reply to a PING within {self._timeout:g} s")

    def _note(self, reply: Any) -> None:
        """Take a reply that is no message."""
        match reply:
            case [kind, bytes() as name, int()] if kind in SUBSCRIBED:
                self._confirm(name)
            case [kind, bytes() as name, int()] if kind in UNSUBSCRIBED:
                if name in self._names:  # the slot of a sharded channel has moved to another server
                    raise self.connection.fail("has ended the subscription of a channel")
                self._confirm(name)
            case [b"pong", _] | b"PONG":
                pass
            case [kind, _, *_, _] if kind in MESSAGES:
                raise self.connection.fail("sends a message of other types")
            case CommandError():
                raise self.connection.fail(f"refuses: {reply}")
            case _:
                raise self.connection.fail("sends something else than messages")

    def _confirm(self, name: bytes) -> None:
        self._awaited.discard(name)
        if not self._awaited:
            self._confirmed.set()
