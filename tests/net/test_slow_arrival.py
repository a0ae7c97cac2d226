"""A message that takes long to arrive, while its bytes go on coming."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import trio
from support.raw import read_all, read_until, request, status, upgrade
from support.wire import HttpClient, Wire, client_frame

from trio_socketio import EngineServer, EngineSocket

#: Longer than ``ping_interval`` and ``ping_timeout`` together, in pieces that come within one of the latter.
MESSAGE = "x" * 10_000
PIECE, EVERY = 1100, 19.0

revisions = pytest.mark.parametrize("revision", [4, 3])


def _server(**options: Any) -> tuple[EngineServer, list[str]]:
    """A server, and the messages that come and the reasons that sessions end for."""
    eio = EngineServer(allow_eio3=True, **options)
    heard: list[str] = []

    @eio.on("connection")
    def connection(socket: EngineSocket) -> None:
        socket.on("message", heard.append)
        socket.on("close", lambda reason, _: heard.append(str(reason)))

    return eio, heard


async def _send_slowly(stream: trio.abc.Stream, data: bytes, size: int = PIECE, every: float = EVERY) -> None:
    for start in range(0, len(data), size):
        await trio.sleep(every)
        await stream.send_all(data[start : start + size])


async def _open(wire: Wire, revision: int) -> trio.abc.Stream:
    stream = wire.stream()
    await stream.send_all(upgrade(f"/engine.io/?EIO={revision}&transport=websocket"))
    await read_until(stream, b'"maxPayload"' if revision == 4 else b'"pingTimeout"')
    return stream


def _fragments(text: bytes) -> Iterator[bytes]:
    for start in range(0, len(text), 100):
        yield client_frame(1 if start == 0 else 0, text[start : start + 100], fin=start + 100 >= len(text))


@pytest.mark.rows("P11", "B11")
@pytest.mark.parametrize("fragmented", [False, True])
@revisions
async def test_message_arrives_slowly_over_websocket(
    autojump_clock: Any, running: Any, revision: int, fragmented: bool
) -> None:
    eio, heard = _server(max_fragments=1000)
    async with running(eio) as wire:
        stream = await _open(wire, revision)
        text = b"4" + MESSAGE.encode()
        await _send_slowly(stream, b"".join(_fragments(text)) if fragmented else client_frame(1, text))
        await trio.sleep(15)
        assert heard == [MESSAGE]
        await stream.send_all(client_frame(1, b"3" if revision == 4 else b"2"))
        await trio.sleep(20)
        assert len(eio.clients) == 1


@pytest.mark.rows("P11", "B11")
@revisions
async def test_less_than_a_kilobyte_does_not_count(autojump_clock: Any, running: Any, revision: int) -> None:
    eio, heard = _server()
    async with running(eio) as wire, trio.open_nursery() as nursery:
        stream = await _open(wire, revision)
        began = trio.current_time()
        frame = client_frame(1, b"4" + MESSAGE.encode())
        nursery.start_soon(_send_slowly, stream, frame, 20, 1.0)
        await read_all(stream)
        assert trio.current_time() - began == pytest.approx(45.0, abs=0.5)
        assert heard == ["ping timeout"]
        nursery.cancel_scope.cancel()


async def _poll(http: HttpClient, target: str) -> None:
    """Poll, and answer no ping."""
    while (await http.request("GET", target)).status == 200:
        pass


@pytest.mark.rows("P11", "A24", "M8")
@pytest.mark.parametrize("chunked", [False, True])
@revisions
async def test_message_arrives_slowly_over_polling(
    autojump_clock: Any, running: Any, revision: int, chunked: bool
) -> None:
    eio, heard = _server(request_timeout=20.0)
    async with running(eio) as wire, trio.open_nursery() as nursery:
        http = wire.http()
        target = f"/engine.io/?EIO={revision}&transport=polling"
        opened = (await http.request("GET", target)).text
        target += "&sid=" + opened.partition('"sid":"')[2].partition('"')[0]
        nursery.start_soon(_poll, http, target)
        body = f"4{MESSAGE}".encode()
        if revision == 3:
            body = b"%d:%b" % (len(body), body)
        length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
        fields = [length, "Content-Type: text/plain;charset=UTF-8"]
        stream = wire.stream()
        await stream.send_all(request(target, *fields, method="POST"))
        if chunked:
            pieces = [body[start : start + 100] for start in range(0, len(body), 100)]
            body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])
        await _send_slowly(stream, body)
        assert (await read_until(stream, b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert heard == [MESSAGE]
        assert len(eio.clients) == 1
        nursery.cancel_scope.cancel()


@pytest.mark.rows("P11", "A24", "M8")
async def test_body_without_a_kilobyte_for_too_long(autojump_clock: Any, running: Any) -> None:
    eio, heard = _server(request_timeout=10.0)
    async with running(eio) as wire:
        http = wire.http()
        opened = (await http.request("GET", "/engine.io/?EIO=4&transport=polling")).text
        target = "/engine.io/?EIO=4&transport=polling&sid=" + opened.partition('"sid":"')[2].partition('"')[0]
        stream = wire.stream()
        began = trio.current_time()
        await stream.send_all(request(target, "Content-Length: 10000", method="POST"))
        await _send_slowly(stream, b"4" * 2200, PIECE, 9.0)
        await _send_slowly(stream, b"4" * 1000, 100, 0.9)
        assert status(await read_all(stream)) == 408
        assert trio.current_time() - began == pytest.approx(28.0, abs=0.1)
        assert heard == ["transport error"]
