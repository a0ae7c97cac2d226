"""A host for adapters without a server, and members with real outboxes."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import trio

from support.native import ALL, connection
from trio_socketio._core import Connection
from trio_socketio.adapters import Broadcast, LocalMember, SocketRecord, Target
from trio_socketio.socketio import encode_event

EVERYBODY = Target()


class Ack:
    """The acknowledgement of a member, which is there at once. With the value None the member never answers."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.answered = value is not None

    async def wait(self) -> None:
        if not self.answered:
            await trio.sleep_forever()


class Member(LocalMember):
    def __init__(self, name: str, answer: Any = None, **limits: int) -> None:
        self.id = name
        self.link = connection(**limits)
        self.link.open = True
        self.is_connected = True
        self.answer = answer
        self.pending: set[int] = set()
        self.was_closed: bool | None = None

    def __repr__(self) -> str:
        return self.id

    @property
    def connected(self) -> bool:
        return self.is_connected

    @property
    def connection(self) -> Connection:
        return self.link

    def disconnect(self, close: bool) -> None:
        self.is_connected, self.was_closed = False, close

    def expect(self, ack_id: int, wake: Any = None) -> Ack:
        self.pending.add(ack_id)
        return Ack(self.answer)

    def forget(self, ack_id: int) -> None:
        self.pending.remove(ack_id)

    def record(self) -> SocketRecord:
        return SocketRecord(self.id, {"address": "here"}, data={"name": self.id})

    def received(self) -> bytes:
        """Return the frames that were sent to the member since the last call."""
        sent = self.link.take(ALL)
        self.link.confirm()
        return sent


class Host:
    name = "/"
    is_keyed = False
    log = logging.getLogger("trio_socketio.socket")

    def __init__(self) -> None:
        self.flushes = 0
        self.full: list[Member] = []
        self.nursery: Any = None

    def encode(self, event: Any, args: tuple[Any, ...], ack_id: int | None = None) -> Any:
        return encode_event(event, args, self.name, ack_id)

    def next_ack_id(self) -> int:
        return 7

    def server_event(self, event: str, args: list[Any], respond: Any) -> bool:
        return True

    async def flushed(self) -> None:
        self.flushes += 1

    def report(self, calls: Any) -> None:
        for function, args in calls:
            function(*args)

    def overflowed(self, members: Iterable[Member]) -> None:
        self.full.extend(members)


def broadcast(
    event: str, *args: Any, target: Target = EVERYBODY, ack_id: int | None = None, waits: bool = False
) -> Broadcast:
    def encode(event: Any, args: tuple[Any, ...], ack_id: int | None) -> Any:
        return encode_event(event, args, "/", ack_id)

    return Broadcast(event, args, target, encode, ack_id, waits=waits)
