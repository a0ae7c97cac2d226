"""The clients of pages, from the version of 2014 to that of today, in Chromium; ``docs/clients.md`` says so."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import trio
from browser.chromium import open_chromium, page_server
from clients.combinations import IN_CHROMIUM, Combination
from clients.harness import JsClient, Node, Runner, open_node
from clients.server import DEADLINE, Mailbox, connections, disconnections, make_server, serving

from trio_socketio import Cors, EngineConn, EngineObserver, PerMessageDeflate, Server, Socket

pytestmark = pytest.mark.browser

BYTES = bytes(range(256))
LARGE = BYTES * 200  # more of it in JSONP is beyond the stack of versions 1 and 2
TEXT = "山里 🦆 \n \\n \\\\n \u2028 </script>"

every = pytest.mark.parametrize("combination", IN_CHROMIUM, ids=str)


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    runner = open_chromium()
    yield runner
    runner.end()


@pytest.fixture
async def browser(runner: Runner) -> AsyncIterator[Node]:
    async with open_node(runner) as node:
        yield node


@pytest.fixture
def client(browser: Node, combination: Combination) -> JsClient:
    return browser.client(combination)


def echoing(io: Server) -> Mailbox[list[Any]]:
    """Send the arguments of "up" back, as an event and as the acknowledgement; and what they were."""
    heard: Mailbox[list[Any]] = Mailbox()

    @io.on("up")
    async def up(socket: Socket, *args: Any) -> list[Any]:
        heard.put([*args])
        await socket.emit("down", *args)
        return [*args]

    return heard


async def goes_both_ways(client: JsClient, heard: Mailbox[list[Any]], *args: Any) -> None:
    await client.emit("up", *args)
    assert await heard.get() == await client.event("down") == [*args]
    assert await client.call("up", *args) == [[*args]]
    assert await heard.get() == await client.event("down") == [*args]


async def exchanged(client: JsClient, method: str, sent: str | None, received: str) -> None:
    """Wait for a request of this kind, and a response."""
    while True:
        how, *types = await client.event("exchange")
        if (how, *types) == (method, sent, received):
            return


@every
@pytest.mark.rows("P20", "D21", "D2", "D3", "F3", "F6", "F9")
async def test_events_acknowledgements_and_binary_both_ways(client: JsClient) -> None:
    io = page_server()
    heard, sockets, ends = echoing(io), connections(io), disconnections(io)
    async with serving(io) as url:
        await client.connect(url, query={"who": "me"})
        socket = await sockets.get()
        state = await client.state()
        assert state == {
            "connected": True,
            "session": socket.conn.id,
            "transport": client.combination.settled,
        }
        assert socket.handshake.query["who"] == "me"
        assert socket.handshake.query["EIO"] == client.combination.eio
        assert socket.transport == client.combination.settled
        await goes_both_ways(client, heard, "text", 1.5, {"a": [None, True]})
        await goes_both_ways(client, heard, BYTES, {"more": [b"\x00", b""]}, LARGE)
        if client.combination.can("unicode"):
            await goes_both_ways(client, heard, TEXT, {TEXT: BYTES})
        await client.answer("ask", {"picture": BYTES}, "yes")
        with trio.fail_after(DEADLINE):
            assert await socket.call("ask", 1) == ({"picture": BYTES}, "yes")
        if client.combination.can("farewell"):
            await client.disconnect()
            assert await ends.get() == (socket.id, "client namespace disconnect")
        assert client.pending("pageerror") == 0


class Beats(EngineObserver):
    """Counts the clients' halves of heartbeats."""

    def __init__(self) -> None:
        self.seen: Mailbox[None] = Mailbox()

    def heartbeat(self, socket: EngineConn) -> None:
        self.seen.put(None)


@pytest.mark.parametrize(
    "combination", [each for each in IN_CHROMIUM if each.settled == "websocket"], ids=str
)
@pytest.mark.parametrize("threshold", [0, 1024])
@pytest.mark.rows("C32")
@pytest.mark.slow
async def test_what_chromium_offers_is_agreed_upon(client: JsClient, threshold: int) -> None:
    io = page_server(per_message_deflate=PerMessageDeflate(threshold=threshold), ping_interval=0.1)
    io.engine.observer = beats = Beats()
    heard, sockets, ends = echoing(io), connections(io), disconnections(io)
    async with serving(io) as url:
        await client.connect(url)
        socket = await sockets.get()
        await goes_both_ways(client, heard, "", b"", "x")
        dialect = socket._state.peer.session.link.dialect
        assert dialect is not None
        assert dialect.deflate is not None
        text = TEXT if client.combination.can("unicode") else "text"
        await goes_both_ways(client, heard, text * 100, {"more": LARGE})
        await goes_both_ways(client, heard, "x" * 200_000, bytes(200_000))
        if client.combination.revision == 4:  # in 3 it pings, and seldom
            await beats.seen.get()
            await beats.seen.get()
        assert len(ends) == client.pending("pageerror") == 0


OCTETS = "application/octet-stream"
PLAIN = "text/plain; charset=UTF-8"
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("combination", "sent", "received"),
    [
        (Combination("1.2", "polling"), OCTETS, OCTETS),
        (Combination("2", "polling"), OCTETS, OCTETS),
        (Combination("4", "polling"), "text/plain;charset=UTF-8", PLAIN),
        (Combination("1.2", "jsonp"), FORM, PLAIN),
        (Combination("2", "jsonp"), FORM, PLAIN),
    ],
    ids=str,
)
@pytest.mark.rows("C1", "C4", "C5", "C8")
@pytest.mark.slow
async def test_what_carries_binary_when_it_polls(client: JsClient, sent: str, received: str) -> None:
    io = page_server()
    heard = echoing(io)
    async with serving(io) as url:
        await client.connect(url)
        await client.emit("up", {"$blob": base64.b64encode(BYTES).decode()}, BYTES)
        assert await heard.get() == await client.event("down") == [BYTES, BYTES]
        await exchanged(client, "POST", sent, "text/html")
        await exchanged(client, "GET", None, received)


@every
@pytest.mark.rows("B10", "B12", "B9")
@pytest.mark.slow
async def test_a_page_of_another_origin_with_its_cookies(client: JsClient) -> None:
    async with serving(page_server()) as home:
        io = make_server(jsonp=True, cookie="io", cors=Cors(origin=home, credentials=True))
        heard, sockets = echoing(io), connections(io)
        async with serving(io) as url:
            await client.connect(url, page=f"{home}/page", withCredentials=True)
            sid = (await sockets.get()).conn.id
            await goes_both_ways(client, heard, BYTES, "text")
            assert await client.node.ask("cookies", client) == {"io": sid}
            await client.connect(url, page=f"{home}/page", withCredentials=True)
            assert (await sockets.get()).handshake.headers["cookie"] == f"io={sid}"


@every
@pytest.mark.rows("B9", "B10", "B11")
@pytest.mark.slow
async def test_a_page_of_an_origin_that_is_not_allowed(client: JsClient) -> None:
    async with serving(page_server()) as home:
        io = make_server(jsonp=True, cors=Cors(origin="https://example.com", credentials=True))
        async with serving(io) as url:
            await client.start(url, page=f"{home}/page", timeout=2000)
            await client.event("connect_error")
            assert client.pending("connect") == 0
            assert io.sockets == {}


@pytest.mark.parametrize("combination", [Combination("4", "polling")], ids=str)
@pytest.mark.rows("B10", "B12")
@pytest.mark.slow
async def test_without_credentials_there_are_no_cookies(client: JsClient) -> None:
    async with serving(page_server()) as home:
        io = make_server(cookie="io", cors=home)
        sockets, heard = connections(io), echoing(io)
        async with serving(io) as url:
            await client.connect(url, page=f"{home}/page")
            await goes_both_ways(client, heard, BYTES)
            assert await client.node.ask("cookies", client) == {}
            assert "cookie" not in (await sockets.get()).handshake.headers


@pytest.mark.parametrize("combination", [Combination("4", "jsonp")], ids=str)
@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.rows("C8")
async def test_script_tags_in_revision_4(client: JsClient, elsewhere: bool) -> None:
    async with serving(page_server()) as home:
        io = page_server(cors=home if elsewhere else ())
        heard, sockets = echoing(io), connections(io)
        async with serving(io) as url:
            await client.connect(url, page=f"{home if elsewhere else url}/jsonp")
            socket = await sockets.get()
            assert (socket.transport, socket.handshake.query["EIO"]) == ("polling", "4")
            await goes_both_ways(client, heard, TEXT, {TEXT: [1, None]})
            await socket.emit("said", TEXT)
            await io.emit("said", 2)
            assert await client.events("said", 2) == [[TEXT], [2]]
            assert client.pending("unexpected") == client.pending("pageerror") == 0
