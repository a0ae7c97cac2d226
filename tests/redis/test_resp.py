"""A connection to Redis: parsing whatever the server sends, and the end of a connection."""

from __future__ import annotations

import random
import sys

import hiredis
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from support.redis_ends import connection

from trio_socketio.adapters import BusError
from trio_socketio.adapters.redis import PubSubBus
from trio_socketio.adapters.redis._resp import CommandError, Reply, RespConnection, pack

STREAM = b"+OK\r\n:12\r\n$3\r\nabc\r\n$-1\r\n*2\r\n$1\r\nx\r\n*1\r\n:-1\r\n$0\r\n\r\n-ERR no\r\n"
REPLIES = [b"OK", 12, b"abc", None, [b"x", [-1]], b""]


async def read_all(link: RespConnection, count: int) -> list[Reply]:
    replies: list[Reply] = []
    while len(replies) < count:
        replies += await link.read()
    return replies


@pytest.mark.rows("I10")
@pytest.mark.parametrize("split", ["whole", "bytes", "random"])
async def test_replies_are_the_same_however_they_are_split(split: str) -> None:
    link, server = connection()
    position, step = 0, {"whole": len(STREAM), "bytes": 1}
    async with trio.open_nursery() as nursery:

        async def send() -> None:
            nonlocal position
            while position < len(STREAM):
                size = step.get(split) or random.randint(1, 7)
                await server.send_all(STREAM[position : position + size])
                position += size

        nursery.start_soon(send)
        *replies, error = await read_all(link, len(REPLIES) + 1)
    assert replies == REPLIES
    assert isinstance(error, CommandError) and error.code == "ERR"


def texts(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


#: Whole replies, frequent and others, and some that only look like frequent ones.
WHOLE = [
    *(b":0\r\n", b":123456789012345678\r\n", b":1234567890123456789\r\n", b":-1\r\n", b"+OK\r\n"),
    *(b"$-1\r\n", b"*-1\r\n", b"*0\r\n", b"$0\r\n\r\n", b"$5\r\n:1\r\n:\r\n", b"-ERR no\r\n"),
    *(texts(b"message", b"c", b"own"), texts(b"message", b"c", b"ow"), texts(b"message", b"", b"\r\n:1\r\n")),
    *(texts(b"pmessage", b"c*", b"c", b"own 2"), texts(b"pmessage", b"c*", b"c", b"x" * 300)),
    *(
        texts(b"smessage", b"c", b"OWN"),
        texts(b"pmessage", b"c", b"own"),
        texts(b"message", b"a", b"b", b"own"),
    ),
    *(texts(b"subscribe", b"own"), b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n", texts(b"pong", b"")),
    *(b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n:1\r\n", b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$-1\r\n"),
    *(b"*17\r\n" + b":1\r\n" * 17, b"*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", b"*2\r\n*2\r\n:1\r\n:2\r\n:3\r\n"),
]


def is_own(reply: Reply) -> bool:
    return (
        isinstance(reply, list)
        and len(reply) > 2
        and reply[0] in (b"message", b"pmessage", b"smessage")
        and reply[-1] in (b"own", b"own 2", b"OWN")
    )


@pytest.mark.rows("I10")
@given(st.lists(st.sampled_from(WHOLE), max_size=12), st.data())
async def test_replies_are_those_of_hiredis_without_own_messages(
    parts: list[bytes], data: st.DataObject
) -> None:
    whole = b"".join(parts)
    reader = hiredis.Reader()
    reader.feed(whole)
    expected = [repr(reply) for reply in (reader.gets() for _ in parts) if not is_own(reply)]
    link, server = connection(max_reply_bytes=100_000)
    found: list[str] = []
    at = 0
    while at < len(whole):
        end = data.draw(st.integers(at + 1, len(whole)))
        await server.send_all(whole[at:end])
        at = end
        found += [
            repr(hiredis.ReplyError(*reply.args) if isinstance(reply, CommandError) else reply)
            for reply in await link.read((b"own", b"OWN"))
            if not is_own(reply)
        ]
    assert found == expected


async def test_own_messages_become_no_objects() -> None:
    link, server = connection()
    own, other = texts(b"message", b"c", b"own"), texts(b"pmessage", b"c*", b"c", b"other")
    await server.send_all(own + other + own[:10])
    assert await link.read((b"x", b"ow")) == [[b"pmessage", b"c*", b"c", b"other"]]
    await server.send_all(own[10:] + b"+OK\r\n" + own)
    assert await link.read((b"x", b"ow")) == [b"OK"]
    await server.send_all(own)
    assert await link.read() == [[b"message", b"c", b"own"]]


def test_packed_commands_are_arrays_of_bulk_strings() -> None:
    assert pack(b"GET", b"", b"\r\n\xff") == b"*3\r\n$3\r\nGET\r\n$0\r\n\r\n$3\r\n\r\n\xff\r\n"


@pytest.mark.parametrize(
    "garbage",
    [
        b"HTTP/1.1 400 Bad\r\n",
        b"*4294967295\r\n",
        b"*-5\r\n",
        b"$-7\r\n",
        b":1x\r\n",
        b"-a\n:1\r\n",
        b"\x00",
    ],
)
async def test_garbage_ends_the_connection(garbage: bytes) -> None:
    link, server = connection()
    await server.send_all(garbage)
    for _ in range(2):  # the second time from memory
        with pytest.raises(BusError, match="redis sends malformed replies"):
            await link.read()
    with pytest.raises(BusError, match="malformed"):
        await link.send(pack(b"PING"))


@pytest.mark.parametrize("start", [b"$9999999999\r\n", b"+", b"*2\r\n:1\r\n$5000\r\n"])
async def test_a_reply_that_does_not_end_is_bounded(start: bytes) -> None:
    link, server = connection(max_reply_bytes=1000)
    await server.send_all(start)
    for _ in range(10):
        await link.read()
        await server.send_all(b"x" * 101)
    with pytest.raises(BusError, match="more than 1000 bytes"):
        await link.read()


async def test_arrays_in_arrays_are_bounded() -> None:
    link, server = connection(max_reply_bytes=1000)
    await server.send_all(b"*1\r\n" * 1000)
    with pytest.raises(BusError, match=r"more than 1000 bytes|malformed"):
        await link.read()


@given(st.binary(max_size=200))
async def test_random_bytes_are_parsed_or_end_the_connection(data: bytes) -> None:
    link, server = connection()
    await server.send_all(data + b"\n")
    try:
        await link.read()
    except BusError:
        assert link.failure is not None


async def test_end_of_the_stream_ends_the_connection() -> None:
    link, server = connection()
    await server.send_stream.aclose()
    with pytest.raises(BusError, match="has closed the connection"):
        await link.read()


async def test_lost_stream_ends_the_connection() -> None:
    link, server = connection()
    await server.aclose()
    with pytest.raises(BusError, match="redis is lost"):
        await link.send(b"x")


async def test_closing_ends_the_connection() -> None:
    link, _ = connection()
    await link.aclose()
    with pytest.raises(BusError, match="was closed here"):
        await link.read()


async def test_read_that_is_cancelled_loses_no_reply() -> None:
    link, server = connection()
    await server.send_all(b"$5\r\nab")
    await link.read()
    with trio.CancelScope() as scope:
        scope.cancel()
        await link.read()
    await server.send_all(b"cde\r\n")
    assert await link.read() == [b"abcde"]


async def test_send_that_is_cancelled_before_it_begins_does_nothing() -> None:
    link, server = connection()
    with trio.CancelScope() as scope:
        scope.cancel()
        await link.send(b"never")
    await link.send(b"sent")
    assert await server.receive_some(100) == b"sent"


async def test_send_that_is_cancelled_half_way_ends_the_connection() -> None:
    link, server = connection()
    stream = link._stream
    assert isinstance(stream, trio.StapledStream)
    stream.send_stream.send_all_hook = trio.sleep_forever  # a full buffer of the kernel
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.send, b"half")
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    with pytest.raises(BusError, match="when a part of it was sent"):
        await link.read()
    await server.aclose()


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hiredis", None)
    with pytest.raises(ImportError, match="pip install 'trio-socketio\\[redis\\]'"):
        PubSubBus("redis://localhost")
