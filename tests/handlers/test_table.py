"""Tables of handlers, and the table of a socket that has handlers of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pytest

from trio_socketio.handlers import EventName, HandlerTable, JoinedTable, claim


class Table(HandlerTable):
    __slots__ = ()
    ALIASES: ClassVar[Mapping[EventName, EventName]] = {"connect": "connection"}
    LIFECYCLE: ClassVar[Mapping[EventName, int]] = {"connection": 0}


def plain(socket: object, *args: object) -> None: ...


async def waits(socket: object, *args: object) -> None: ...


def own(*args: object) -> None: ...


def table_of(**handlers: object) -> Table:
    table = Table(takes_socket=True)
    for event, function in handlers.items():
        table.add(event, function, once=False)  # type: ignore[arg-type]
    return table


def test_table_tells_how_an_event_is_handled() -> None:
    table = table_of(plain=plain, waits=waits)
    table.add("both", plain, once=False)
    table.add("both", waits, once=False)
    assert set(table.inline) == {"plain"} and set(table.lone) == {"waits"}
    table.set_any([table.handler(plain)])
    assert not table.inline and not table.lone
    table.set_any([])
    assert set(table.inline) == {"plain"} and set(table.lone) == {"waits"}


def test_lifecycle_events_are_not_taken_from_clients() -> None:
    table = table_of(connect=plain)
    assert [handler.function for handler in table.get("connection")] == [plain]
    assert table.sent("connection") == () and not table.inline
    with pytest.raises(TypeError, match=r"expects 1 argument \(more\), but 'connection' has 0"):
        table.add("connection", lambda socket, more: None, once=False)


def test_joined_table_has_the_shared_handlers_first() -> None:
    shared, private = table_of(ev=plain, connection=plain), HandlerTable(takes_socket=False)
    joined = JoinedTable(shared, private)
    private.add("ev", own, once=False)
    private.add("connection", own, once=False)
    assert [handler.function for handler in joined.sent("ev")] == [plain, own]
    assert [handler.function for handler in joined.get("connection")] == [plain, own]
    assert [handler.function for handler in joined.sent("connection")] == [own]
    assert joined.inline.get("ev") == joined.sent("ev") and joined.lone.get("ev") is None


def test_joined_table_handles_nothing_inline_that_may_wait() -> None:
    shared, private = table_of(ev=plain), HandlerTable(takes_socket=False)
    joined = JoinedTable(shared, private)
    private.set_any([private.handler(own)])
    assert joined.inline.get("ev") is None and len(joined.any) == 1
    private.set_any([])
    shared.add("ev", waits, once=False)
    assert joined.inline.get("ev") is None


def test_handler_registered_with_once_is_claimed_once() -> None:
    shared, private = Table(takes_socket=True), HandlerTable(takes_socket=False)
    joined = JoinedTable(shared, private)
    shared.add("ev", plain, once=True)
    private.add("ev", own, once=True)
    for handler in joined.sent("ev"):
        assert claim(joined, "ev", handler) and not claim(joined, "ev", handler)
    assert joined.sent("ev") == ()
