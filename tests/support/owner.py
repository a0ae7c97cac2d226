"""A mailbox with an owner for tests, and a nursery in place of a running server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple

import trio

from trio_socketio.handlers import (
    Handler,
    HandlerTable,
    Inbox,
    Key,
    Mailbox,
    Workers,
    contain,
    invoke,
    invoke_plain,
    serial,
)

__all__ = ["Events", "Server", "TestOwner", "serving"]


class Events(NamedTuple):
    """An event."""

    name: str
    args: list[Any] = []  # noqa: RUF012
    ack_id: int | None = None
    size: int = 1


class Server:
    """Starts tasks, and counts those that are not paused.

    Attributes:
        started: the names of all tasks that were started.
        busy: how many tasks are not paused.
    """

    def __init__(self, nursery: trio.Nursery, key: Key) -> None:
        self._nursery = nursery
        self.started: list[object] = []
        self.busy = 0
        self.workers: Workers[Events] = Workers(self, key)

    def spawn(self, function: Callable[..., Awaitable[object]], *args: Any, name: object) -> None:
        self.started.append(name)
        self.busy += 1
        self._nursery.start_soon(self._run, function, args)

    async def _run(self, function: Callable[..., Awaitable[object]], args: Sequence[Any]) -> None:
        try:
            await function(*args)
        finally:
            self.busy -= 1

    def pause(self) -> None:
        self.busy -= 1

    def resume(self) -> None:
        self.busy += 1

    @contextmanager
    def disconnecting(self) -> Iterator[None]:
        with trio.CancelScope(shield=True):
            yield


class TestOwner:
    """The owner of a mailbox, which logs the calls of the mailbox.

    Attributes:
        table: the handlers. Those for "end" are disconnect handlers.
        log: the calls so far.
        is_full: whether its inbox is full.
    """

    __test__ = False

    def __init__(self, server: Server, *, max_events: int = 8) -> None:
        self.table = HandlerTable(takes_socket=True)
        self.log: list[Any] = []
        self.is_full = False
        self._max_events = max_events
        self.mailbox: Mailbox[Events] = Mailbox(self, server.workers, self.table)

    @property
    def socket(self) -> TestOwner:
        return self

    def on(self, event: str, function: Callable[..., Any], *, once: bool = False) -> None:
        self.table.add(event, function, once=once)

    def make_inbox(self) -> Inbox[Events]:
        return Inbox(self, self._max_events, 1000)

    def inbox_full(self) -> None:
        self.is_full = True

    def inbox_drained(self) -> None:
        self.is_full = False

    async def handle(self, event: Events) -> None:
        for handler in self.mailbox.table.sent(event.name):
            await invoke(handler, self, event.args, lambda error: self.failed(event, error))

    def handle_inline(self, event: Events, handlers: Sequence[Handler]) -> None:
        for handler in handlers:
            invoke_plain(handler, self, event.args, lambda error: self.failed(event, error))

    def acknowledge(self, ack_id: int, result: Any) -> None:
        self.log.append(("ack", ack_id, result))

    def failed(self, event: Events, error: BaseException) -> None:
        contain(error, lambda failure: self.log.append(("failed", event.name, type(failure))))

    def event_waits(self) -> None:
        self.log.append("waits")

    def cut_off(self, event: Events) -> None:
        self.log.append(("cut off", event.name))

    def nursery_failed(self, error: BaseException) -> None:
        contain(error, lambda failure: self.log.append(("nursery failed", type(failure))))

    @property
    def has_disconnect_handlers(self) -> bool:
        return bool(self.mailbox.table.get("end"))

    async def run_disconnect_handlers(self) -> None:
        for handler in self.mailbox.table.get("end"):
            await invoke(handler, self, [], lambda error: self.failed(Events("end"), error))

    def vanish(self) -> None:
        self.log.append("vanished")


@asynccontextmanager
async def serving(key: Key = serial) -> AsyncIterator[Server]:
    """Run a server, and cancel it at the end."""
    async with trio.open_nursery() as nursery:
        yield Server(nursery, key)
        nursery.cancel_scope.cancel()
