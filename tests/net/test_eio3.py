"""Revision 3 and JSONP on the wire, over both drivers, with an engine that has nothing above it."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
import trio
import trio.testing
from support.engine import PATH, Above
from support.links import Link
from support.raw import read_until, upgrade
from support.wire import HttpClient, client_frame, server_frames

from trio_socketio._core import Message
from trio_socketio.engineio import Engine, Session
from trio_socketio.net import EngineHost
from trio_socketio.serving._config import EngineConfig

HEAD = '51-["bin",{"_placeholder":true,"num":0},"€😀"]'
BINARY_BODY = b"\x00\x05\x01\xff4" + HEAD.encode() + b"\x01\x04\xff\x04\x01\x02\x03"
OCTETS = {"Content-Type": "application/octet-stream"}


class Service:
    """A host that serves an engine.

    Attributes:
        above: what each session told, in the order in which they were opened.
    """

    def __init__(self, nursery: trio.Nursery, link: Link) -> None:
        self.above: list[Above] = []
        options = EngineConfig(path=PATH, allow_eio3=True, jsonp=True)
        logger = logging.getLogger("test.engine")
        self.engine = Engine(options.engine_options(), self._connect, trio.current_time(), logger)
        self.host = EngineHost(self.engine, options.host_options(), logger)
        self._nursery = nursery
        self._link = link

    def _connect(self, session: Session) -> Above:
        self.above.append(Above(session))
        return self.above[-1]

    def stream(self) -> trio.abc.Stream:
        ours, theirs = self._link.pair()
        self._nursery.start_soon(self.host.serve, theirs)
        return ours

    async def websocket(self, query: str) -> trio.abc.Stream:
        """A session on WebSocket, its open packet read."""
        stream = self.stream()
        await stream.send_all(upgrade(f"{PATH}?transport=websocket{query}"))
        await read_until(stream, b'"maxPayload":1000000}')
        return stream

    async def polling(self, query: str, **headers: str) -> tuple[HttpClient, str, str]:
        """A session on polling: a connection, the target of its requests, and its open packet as it came."""
        http = HttpClient(self.stream())
        target = f"{PATH}?transport=polling{query}"
        response = await http.request("GET", target, headers=headers)
        assert response.status == 200, response
        return http, f"{target}&sid={self.above[-1].session.sid}", response.text


Serving = Callable[[], AbstractAsyncContextManager[Service]]


@pytest.fixture
def serving(link: Link) -> Serving:
    """``async with serving() as service:``"""

    @asynccontextmanager
    async def serve() -> AsyncIterator[Service]:
        async with trio.open_nursery() as nursery:
            service = Service(nursery, link)
            nursery.start_soon(service.host.run)
            yield service
            nursery.cancel_scope.cancel()

    return serve


async def _frames(stream: trio.abc.Stream, end: bytes) -> list[tuple[int, bytes]]:
    return server_frames(await read_until(stream, end))


@pytest.mark.rows("C6", "C7", "C21")
@pytest.mark.parametrize(
    ("query", "attachment"), [("", (2, b"\x04\x01\x02\x03")), ("&EIO=3&b64=1", (1, b"b4AQID"))]
)
async def test_websocket(autojump_clock: Any, serving: Serving, query: str, attachment: Any) -> None:
    async with serving() as service:
        stream = await service.websocket(query)
        (above,) = service.above
        for _ in range(3):  # by whatever way such a message takes
            above.session.send(Message(HEAD, [b"\x01\x02\x03"]))
            assert await _frames(stream, attachment[1]) == [(1, f"4{HEAD}".encode()), attachment]
            above.session.send(Message("text"))
            assert await _frames(stream, b"text") == [(1, b"4text")]
        await stream.send_all(
            client_frame(1, f"4{HEAD}".encode())
            + client_frame(2, b"\x04\x01")
            + client_frame(1, b"b4Ag==")
            + client_frame(1, b"2")
        )
        assert await _frames(stream, b"3") == [(1, b"3")]
        assert above.messages == [HEAD, b"\x01", b"\x02"]
        await stream.send_all(client_frame(2, b"\x01"))
        assert await _frames(stream, b"\x03\xea") == [(8, b"\x03\xea")]
        assert above.reason == "parse error"


@pytest.mark.rows("C6")
async def test_binary_in_revision_4_has_no_type(autojump_clock: Any, serving: Serving) -> None:
    async with serving() as service:
        stream = await service.websocket("&EIO=4")
        service.above[0].session.send(Message(None, [b"\x04\x01"]))
        assert await _frames(stream, b"\x01") == [(2, b"\x04\x01")]
        await stream.send_all(client_frame(2, b"\x04\x02") + client_frame(1, b"4end"))
        await trio.testing.wait_all_tasks_blocked()
        assert service.above[0].messages == [b"\x04\x02", "end"]


@pytest.mark.rows("C4", "C5", "C21")
async def test_polling(autojump_clock: Any, serving: Serving) -> None:
    async with serving() as service:
        http, target, opening = await service.polling("&EIO=3")
        length, _, packet = opening.partition(":")
        assert int(length) == len(packet)
        session = service.above[0].session
        session.send(Message("€😀"))
        assert (await http.request("GET", target)).text == "4:4€😀"
        session.send(Message(HEAD, [b"\x01\x02\x03"]))
        response = await http.request("GET", target)
        assert (response.body, response.headers["content-type"]) == (BINARY_BODY, "application/octet-stream")
        assert (await http.request("POST", target, BINARY_BODY, OCTETS)).text == "ok"
        assert (await http.request("POST", target, b"6:b4AQID1:2")).text == "ok"
        assert (await http.request("GET", target)).text == "1:3"
        assert service.above[0].messages == [HEAD, b"\x01\x02\x03", b"\x01\x02\x03"]
        assert (await http.request("POST", target, b"no payload")).status == 400


@pytest.mark.rows("C6", "C13")
async def test_upgrade(autojump_clock: Any, serving: Serving) -> None:
    async with serving() as service:
        http, target, _ = await service.polling("&EIO=3&b64=1")
        await http.send("GET", target)
        session = service.above[0].session
        stream = service.stream()
        await stream.send_all(upgrade(f"{PATH}?EIO=3&transport=websocket&sid={session.sid}"))
        await read_until(stream, b"\r\n\r\n")
        await stream.send_all(client_frame(1, b"2probe"))
        assert await _frames(stream, b"3probe") == [(1, b"3probe")]
        assert (await http.response()).text == "1:6"
        await stream.send_all(client_frame(1, b"5") + client_frame(2, b"\x04a"))
        await trio.testing.wait_all_tasks_blocked()
        assert service.above[0].messages == [b"a"]
        session.send(Message(None, [b"b"]))
        assert await _frames(stream, b"b") == [(2, b"\x04b")]


@pytest.mark.rows("C8")
async def test_jsonp(autojump_clock: Any, serving: Serving) -> None:
    async with serving() as service:
        page = {"Referer": "http://test/page"}
        http, target, opening = await service.polling("&EIO=4&j=5", **page)
        assert opening.startswith('___eio[5]("0{')
        session = service.above[0].session
        session.send(Message('"\n\u2028', [b"\x01\x02\x03"]))
        response = await http.request("GET", target, headers=page)
        assert response.text == '___eio[5]("4\\"\\n\\u2028\\u001ebAQID");'
        assert response.headers["content-type"] == "text/plain; charset=UTF-8"
        form = urlencode({"d": "4a\\nb\x1ebAQID"}).encode()
        assert (await http.request("POST", target, form, page)).text == "ok"
        assert service.above[0].messages == ["a\nb", b"\x01\x02\x03"]
        refused = await http.request("GET", target)  # from no page that is known
        assert (refused.status, json.loads(refused.body)["code"]) == (403, 4)
