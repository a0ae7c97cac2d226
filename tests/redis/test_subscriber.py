"""Subscriptions: confirmations, messages, the check whether the server is there, and what is kept for channels."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from support.redis_ends import Server, subscriber

from trio_socketio.adapters import BusError
from trio_socketio.adapters.redis._resp import pack
from trio_socketio.adapters.redis._subscriber import Subscriber

CONFIRMATION = b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"


async def subscribed(link: Subscriber, server: Server) -> None:
    """Subscribe to the channel ``a``, which is returned as ``A``."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.receive)
        nursery.start_soon(server.send_all, CONFIRMATION)
        await link.subscribe(b"SUBSCRIBE", {b"a": "A"})
        nursery.cancel_scope.cancel()
    assert await server.receive_some(1000) == pack(b"SUBSCRIBE", b"a")


async def test_messages_carry_the_name_that_was_subscribed_to() -> None:
    link, server = subscriber()
    await subscribed(link, server)
    await server.send_all(pack(b"message", b"a", b"x") + pack(b"pmessage", b"a", b"other", b"y"))
    await server.send_all(pack(b"smessage", b"a", b""))
    assert await link.receive() == [("A", b"x"), ("A", b"y"), ("A", b"")]


async def test_messages_with_an_own_prefix_are_skipped() -> None:
    link, server = subscriber()
    await subscribed(link, server)
    await server.send_all(pack(b"message", b"a", b"own 1") + pack(b"message", b"a", b"other"))
    assert await link.receive((b"own", b"mine")) == [("A", b"other")]


async def test_messages_of_channels_that_are_not_subscribed_to_are_dropped() -> None:
    link, server = subscriber()
    await subscribed(link, server)
    await server.send_all(pack(b"message", b"b", b"x") + pack(b"message", b"a", b"y"))
    assert await link.receive() == [("A", b"y")]


@pytest.mark.rows("I10")
async def test_nothing_is_kept_for_channels_that_come_and_go() -> None:
    link, server = subscriber()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.receive)
        for number in range(100):
            name = b"%d" % number
            for method, kind in ((b"subscribe", 1), (b"unsubscribe", 0)):
                nursery.start_soon(
                    server.send_all,
                    b"*3\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n:1\r\n" % (len(method), method, len(name), name),
                )
                if kind:
                    await link.subscribe(b"SUBSCRIBE", {name: "x"})
                    assert len(link) == 1
                else:
                    await link.unsubscribe(b"UNSUBSCRIBE", [name])
        nursery.cancel_scope.cancel()
    assert len(link) == 0
    assert not link._names and not link._awaited


async def test_missing_confirmation_ends_the_connection(autojump_clock: trio.testing.MockClock) -> None:
    link, _ = subscriber(timeout=5)
    with pytest.raises(BusError, match="does not confirm subscriptions within 5 s"):
        await link.subscribe(b"SUBSCRIBE", {b"a": "A", b"b": "B"})
    assert trio.current_time() == 5


async def fails(function: Callable[[], Awaitable[object]], text: str) -> None:
    with pytest.raises(BusError, match=text):
        await function()


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (b"-NOPERM no\r\n", "redis refuses: NOPERM no"),
        (b":1\r\n", "something else than messages"),
        (b"*0\r\n", "something else than messages"),
        (b"*3\r\n*0\r\n*0\r\n*0\r\n", "something else than messages"),
        (b"*3\r\n$7\r\nmessage\r\n*0\r\n$1\r\nx\r\n", "a message of other types"),
        (b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n:1\r\n", "a message of other types"),
        (b"*3\r\n$12\r\nsunsubscribe\r\n$1\r\na\r\n:0\r\n", "has ended the subscription"),
    ],
)
async def test_other_replies_end_the_connection_and_all_calls(reply: bytes, text: str) -> None:
    link, server = subscriber()
    await subscribed(link, server)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fails, lambda: link.subscribe(b"SUBSCRIBE", {b"b": "B"}), text)
        nursery.start_soon(fails, link.receive, text)
        await trio.testing.wait_all_tasks_blocked()
        await server.send_all(reply)


async def receive_all(link: Subscriber) -> None:
    while True:
        await link.receive()


@pytest.mark.rows("I10")
@pytest.mark.parametrize("reply", [pack(b"pong", b""), b"+PONG\r\n", pack(b"message", b"b", b"x")])
async def test_server_that_replies_is_there(reply: bytes) -> None:
    link, server = subscriber()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive_all, link)
        nursery.start_soon(link.check)
        assert await server.receive_some(100) == pack(b"PING")
        await server.send_all(reply)
        await trio.testing.wait_all_tasks_blocked()
        assert len(nursery.child_tasks) == 1
        nursery.cancel_scope.cancel()


@pytest.mark.rows("I10")
async def test_silent_server_is_found_while_only_receiving(autojump_clock: trio.testing.MockClock) -> None:
    link, _ = subscriber(timeout=5)
    text = "does not reply to a PING within 5 s"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fails, link.receive, text)
        nursery.start_soon(fails, link.check, text)
    assert trio.current_time() == pytest.approx(5, abs=0.2)


async def test_server_that_sends_a_message_in_drips_is_found(autojump_clock: trio.testing.MockClock) -> None:
    link, server = subscriber(timeout=5)

    async def drip() -> None:
        await server.send_all(b"*3\r\n$900\r\n")
        with suppress(trio.BrokenResourceError):
            while True:
                await server.send_all(b"x")
                await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(drip)
        nursery.start_soon(fails, link.receive, "does not reply to a PING")
        nursery.start_soon(fails, link.check, "does not reply to a PING")


async def test_reply_that_this_process_was_too_busy_to_read_counts(
    mock_clock: trio.testing.MockClock,
) -> None:
    link, server = subscriber(timeout=5)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.check)
        await trio.testing.wait_all_tasks_blocked()
        await server.send_all(b"+PONG\r\n")
        nursery.start_soon(receive_all, link)
        mock_clock.jump(100)
        await trio.testing.wait_all_tasks_blocked()
        assert len(nursery.child_tasks) == 1
        nursery.cancel_scope.cancel()


async def test_end_of_the_connection_for_commands_ends_receive_at_once() -> None:
    link, _ = subscriber()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fails, link.receive, "redis is lost: reset")
        await trio.testing.wait_all_tasks_blocked()
        link.end("is lost: reset")


async def test_receive_that_is_cancelled_loses_no_message() -> None:
    link, server = subscriber()
    await subscribed(link, server)
    message = pack(b"message", b"a", b"x")
    await server.send_all(message[:10])
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.receive)
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
    await server.send_all(message[10:])
    assert await link.receive() == [("A", b"x")]


words = st.one_of(
    st.integers(-5, 5).map(lambda number: b":%d\r\n" % number),
    st.sampled_from([b"message", b"pmessage", b"subscribe", b"unsubscribe", b"pong", b"a", b""]).map(
        lambda word: b"$%d\r\n%b\r\n" % (len(word), word)
    ),
    st.sampled_from([b"$-1\r\n", b"*0\r\n", b"-ERR\r\n", b"*1\r\n:1\r\n"]),
)


@given(st.lists(words, max_size=5))
async def test_arrays_of_any_types_are_taken_or_end_the_connection(items: list[bytes]) -> None:
    link, server = subscriber()
    link._names[b"a"] = "A"
    await server.send_all(b"*%d\r\n" % len(items) + b"".join(items) + pack(b"message", b"a", b"x"))
    try:
        messages = await link.receive()
    except BusError:
        assert link.connection.failure is not None
    else:
        assert messages[-1] == ("A", b"x")
