"""The two parsers of heads: which is chosen, and that a server with either does the same for the same bytes."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError
from typing import Any

import h11
import hypothesis
import pytest
import trio
from hypothesis import strategies
from support.raw import POLLING, WEBSOCKET, read_all, request, upgrade
from support.wire import client_frame
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from trio_socketio import EngineServer, Server
from trio_socketio.net import _head_parsers
from trio_socketio.net._head import Head
from trio_socketio.net._head_parsers import choose_parser, head_parser, parse_with_h11
from trio_socketio.net._reader import RequestReader

parse_with_httptools = head_parser("httptools")

POST = request("/post?a=b", "Content-Length: 4", method="POST", body=b"body")
GET = request("/get", "X-Empty:", "X-Blanks: \t a  b\t ", "Cookie: a=1", "cookie: b=\xe9")
PLAIN = [
    POST,
    GET,
    request("/", method="OPTIONS"),
    request("/head", method="HEAD"),
    upgrade(),
    request(POLLING),
]
OTHER = [
    request("/", "Expect: 100-continue", "Content-Length: 2", method="POST", body=b"ab"),
    request("/", "Transfer-Encoding: chunked", method="POST", body=b"1\r\na\r\n0\r\n\r\n"),
    request("/", "Trailer: a"),
    request("http://test/uri"),
    request("*", method="OPTIONS"),
    request("/1.0", version="1.0"),
    request("/put", method="PUT"),
    request("/", "Content-Length: 99999999999999999999", method="POST"),
    request("/", "Connection: close"),
]


# which parser is chosen


@pytest.mark.parametrize("server", [Server, EngineServer])
def test_config_names_the_parser_in_use(server: Any) -> None:
    assert server().config.http == "h11"
    assert server(http="httptools").config.http == "httptools"
    assert server(http="auto").config.http == "httptools"


@pytest.mark.parametrize("installed", ["0.8.0", "0.10.0", None])
def test_parser_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, installed: str | None) -> None:
    def version(name: str) -> str:
        if installed is None:
            raise PackageNotFoundError(name)
        return installed

    monkeypatch.setattr(_head_parsers, "version", version)
    assert choose_parser("auto") == "h11"
    with pytest.raises(ImportError, match=re.escape("pip install 'trio-socketio[speed]'")):
        Server(http="httptools")


async def test_start_logs_the_parser_in_use(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "trio_socketio.engine"):
        async with Server(http="auto"):
            pass
    assert "httptools parses the heads of requests" in caplog.messages


# both parse the same


@pytest.mark.parametrize("data", PLAIN)
def test_plain_head_is_parsed_by_httptools(data: bytes) -> None:
    ours, other = parse_with_httptools(data + POST), parse_with_h11(data + POST)
    assert ours is not None
    assert other is not None
    assert ours.is_plain
    assert ours == other._replace(is_plain=True)


@pytest.mark.parametrize("data", OTHER[:-1])
def test_other_head_is_parsed_by_h11(data: bytes) -> None:
    head = parse_with_httptools(data)
    assert head is not None
    assert not head.is_plain


def heads(parse: Any, pieces: Iterable[bytes]) -> list[Head | bytes | int]:
    """Return the heads and bodies in these pieces, as a reader finds them, and the status if one is malformed."""
    reader = RequestReader(memory_stream_pair()[0], 16_384, parse)
    found: list[Head | bytes | int] = []
    try:
        for piece in pieces:
            reader.feed(piece)
            while (head := reader.head) is not None:
                size = int(dict(head.fields).get(b"content-length", b"0"))
                if (body := reader.take(size)) is None:
                    break
                found += [head._replace(is_plain=False), body]
                reader.begin_next()
    except h11.RemoteProtocolError as error:
        found.append(error.error_status_hint)
    return found


def test_reader_finds_the_same_at_every_split() -> None:
    data = POST + GET + upgrade() + client_frame(1, b"40")
    expected = heads(parse_with_h11, [data])
    assert len(expected) == 6 + 1
    for at in range(len(data)):
        pieces = [data[:at], data[at:]] if at else [data]
        assert heads(parse_with_h11, pieces) == expected
        assert heads(parse_with_httptools, pieces) == expected


def changed(data: bytes, changes: list[tuple[int, bytes, int]]) -> bytes:
    """Replace some bytes: at a position, by these bytes, as many as this."""
    for position, instead, size in changes:
        at = position % (len(data) + 1)
        data = data[:at] + instead + data[at + size :]
    return data


#: What readers of HTTP understand differently, and the bytes that heads are made of.
HOSTILE = [
    *(
        b"\r",
        b"\n",
        b"\r\n",
        b"\r\n\r\n",
        b" ",
        b"\t",
        b"\0",
        b"\x0b",
        b"\x7f",
        b"\x80",
        b":",
        b",",
        b"/",
        b"4",
        b"#",
    ),
    *(
        b"HTTP/1.1",
        b"Host: b\r\n",
        b"X: a\r\n b\r\n",
        b"Connection: close\r\n",
        b"Upgrade: h2c\r\n",
        b"\xff\xff",
    ),
    *(b"Content-Length: 4\r\n", b"Content-Length: 4 4\r\n", b"Transfer-Encoding: chunked\r\n"),
]

requests = strategies.builds(
    changed,
    strategies.sampled_from(PLAIN + OTHER),
    strategies.lists(
        strategies.tuples(
            strategies.integers(0, 500),
            strategies.sampled_from(HOSTILE) | strategies.binary(max_size=3),
            strategies.integers(0, 3),
        ),
        max_size=2,
    ),
)


@hypothesis.given(strategies.lists(requests | strategies.binary(max_size=40), min_size=1, max_size=3))
def test_reader_finds_the_same_in_hostile_bytes(parts: list[bytes]) -> None:
    data = b"".join(parts)
    assert heads(parse_with_httptools, [data]) == heads(parse_with_h11, [data])


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application that answers with what it was told."""
    if scope["type"] != "http":
        return
    told = [scope[key] for key in ("method", "raw_path", "query_string", "http_version", "headers")]
    more, body = True, b""
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more, body = message["more_body"], body + message["body"]
    text = json.dumps([repr(told), repr(body)]).encode()
    length = (b"content-length", b"%d" % len(text))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": text})


async def answers(http: Any, pieces: list[bytes]) -> bytes:
    """Return all that a server sends for these bytes, until it closes the connection."""
    numbers = itertools.count()
    io = Server(http=http, asgi=echo, generate_id=lambda: f"{next(numbers):020}")
    ours, theirs = memory_stream_pair()
    async with trio.open_nursery() as nursery, io:
        nursery.start_soon(io.serve_stream, ours)
        try:
            for piece in pieces:
                await theirs.send_all(piece)
                await wait_all_tasks_blocked()
            await theirs.send_eof()
        except trio.BrokenResourceError:
            pass
        received = await read_all(theirs)
    return re.sub(rb"Date: [^\r]*", b"", received)


@hypothesis.given(parts=strategies.lists(requests, min_size=1, max_size=3), cut=strategies.integers(0, 1000))
async def test_servers_answer_the_same(parts: list[bytes], cut: int) -> None:
    data = b"".join(parts)
    at = cut % len(data) if data else 0
    pieces = [piece for piece in (data[:at], data[at:]) if piece]
    assert await answers("httptools", pieces) == await answers("h11", pieces)


@pytest.mark.parametrize("target", [WEBSOCKET, "/outside"])
async def test_servers_answer_the_same_behind_an_upgrade(target: str) -> None:
    data = POST + request("/socket.io/?EIO=4") + upgrade(target) + client_frame(1, b"40") + b"\xff" + GET
    answer = await answers("httptools", [data])
    assert answer == await answers("h11", [data])
    assert answer.count(b"HTTP/1.1 ") == 3
