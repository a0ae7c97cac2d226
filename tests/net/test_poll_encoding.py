"""Answers to polls in a content coding, and POSTs that come in one, over both drivers."""

from __future__ import annotations

import gzip
import logging
import zlib
from typing import Any

import pytest
import trio
from support.links import Link, only
from support.wire import Polling, Response, Wire
from trio.testing import wait_all_tasks_blocked

from trio_socketio import HttpCompression, Server

TEXT = "tick tock " * 200
EVENT = f'42["x","{TEXT}"]'
LARGE = "tick tock " * 20_000
DECODERS = {"gzip": gzip.decompress, "deflate": zlib.decompress, "": bytes}
CHROMIUM = {"Accept-Encoding": "gzip, deflate, br"}


def decoded(response: Response) -> str:
    """What a response says, in whatever coding."""
    assert response.status == 200
    assert int(response.headers["content-length"]) == len(response.body)
    return DECODERS[response.headers.get("content-encoding", "")](response.body).decode()


async def poll(polling: Polling, accept: str | None = "gzip, deflate, br") -> Response:
    headers = {} if accept is None else {"Accept-Encoding": accept}
    return await polling.gets.request("GET", polling.target, headers=headers)


@pytest.mark.rows("B16")
@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip, deflate, br", "gzip"),
        ("deflate;q=0.8, gzip;q=0.2", "deflate"),
        ("gzip;q=0, deflate", "deflate"),
        ("*;q=0.1", "gzip"),
        ("br", ""),
        ("identity, gzip;q=0.5", ""),
        ("gzip;q=0, deflate;q=0", ""),
        ("", ""),
        (None, ""),
    ],
)
async def test_answer_has_the_coding_that_the_client_prefers(
    autojump_clock: Any, running: Any, accept: str | None, coding: str
) -> None:
    io = Server()
    async with running(io) as wire:
        polling = await (await wire.polling()).connect()
        for _ in range(2):
            only(io).emit_nowait("x", TEXT)
            response = await poll(polling, accept)
            assert response.headers.get("content-encoding", "") == coding
            assert response.headers["vary"] == "Accept-Encoding"
            assert response.headers["content-type"] == "text/plain; charset=UTF-8"
            assert decoded(response) == EVENT
            assert (len(response.body) < 100) == bool(coding)


@pytest.mark.rows("B16")
async def test_small_answers_and_compress_false_are_not_compressed(autojump_clock: Any, running: Any) -> None:
    io = Server()
    async with running(io) as wire:
        polling = await wire.polling()
        await polling.post("40")
        assert "content-encoding" not in (await poll(polling)).headers  # small
        socket = only(io)
        await socket.compress(False).emit("x", TEXT)
        response = await poll(polling)
        assert "vary" not in response.headers
        assert (response.text, "content-encoding" in response.headers) == (EVENT, False)
        await socket.compress(False).emit("x", TEXT)
        await socket.emit("y")  # one that may be compressed is enough, as in Node
        response = await poll(polling)
        assert response.headers["content-encoding"] == "gzip"
        assert decoded(response) == f'{EVENT}\x1e42["y"]'


@pytest.mark.rows("B16")
@pytest.mark.parametrize("threshold", [len(EVENT), len(EVENT) + 1])
async def test_answers_from_the_threshold_on_are_compressed(
    autojump_clock: Any, running: Any, threshold: int
) -> None:
    io = Server(http_compression=HttpCompression(threshold=threshold))
    async with running(io) as wire:
        polling = await (await wire.polling()).connect()
        only(io).emit_nowait("x", TEXT)
        response = await poll(polling)
        assert decoded(response) == EVENT
        assert ("content-encoding" in response.headers) == (threshold <= len(EVENT))


@pytest.mark.rows("B16")
async def test_http_compression_can_be_switched_off(autojump_clock: Any, running: Any) -> None:
    io = Server(http_compression=False)
    async with running(io) as wire:
        polling = await (await wire.polling()).connect()
        only(io).emit_nowait("x", TEXT)
        response = await poll(polling)
        assert response.text == EVENT
        assert "vary" not in response.headers


@pytest.mark.rows("B16")
async def test_a_handshake_never_is_compressed(autojump_clock: Any, running: Any) -> None:
    io = Server(http_compression=HttpCompression(threshold=0))
    async with running(io) as wire:
        target = "/socket.io/?EIO=4&transport=polling"
        response = await wire.http().request("GET", target, headers=CHROMIUM)
        assert response.text[0] == "0"
        assert not {"content-encoding", "vary"} & response.headers.keys()


@pytest.mark.rows("B16")
async def test_vary_is_one_field_for_all_reasons(autojump_clock: Any, running: Any) -> None:
    io = Server(cors=["http://page"])
    async with running(io) as wire:
        polling = await (await wire.polling()).connect()
        only(io).emit_nowait("x", TEXT)
        headers = {**CHROMIUM, "Origin": "http://page"}
        response = await polling.gets.request("GET", polling.target, headers=headers)
        assert response.headers["vary"] == "Origin, Accept-Encoding"
        assert response.headers["access-control-allow-origin"] == "http://page"
        assert decoded(response) == EVENT


@pytest.mark.rows("B16")
async def test_others_have_their_turn_while_many_polls_are_answered(
    autojump_clock: Any, running: Any
) -> None:
    io, queued = Server(), []
    async with running(io) as wire, trio.open_nursery() as nursery:
        clients = [await (await wire.polling()).connect() for _ in range(100)]
        texts: dict[Polling, str] = {}

        async def listen(polling: Polling) -> None:
            for _ in range(2):  # to be asked again at once is no reason to answer with nothing
                texts[polling] = texts.get(polling, "") + decoded(await poll(polling))

        for polling in clients:
            nursery.start_soon(listen, polling)
        await wait_all_tasks_blocked()
        first, *_ = sockets = list(io.sockets.values())
        for socket in [*sockets, first]:
            socket.emit_nowait("x", TEXT)
        while not queued or queued[-1]:
            queued.append(sum(socket._state.peer.session.link.queued_packets > 0 for socket in sockets))
            await trio.lowlevel.checkpoint()
        assert any(0 < count < len(sockets) for count in queued)
        await wait_all_tasks_blocked()
        await io.emit("y")
    assert set(texts.values()) == {f'{EVENT}42["y"]', f'{EVENT}\x1e{EVENT}42["y"]'}


# in a thread


@pytest.mark.rows("B16")
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_large_answers_are_compressed_in_a_thread(running: Any, coding: str) -> None:
    io = Server()
    async with running(io) as wire:
        polling = await (await wire.polling()).connect()
        only(io).emit_nowait("x", LARGE)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait_until_in_flight, io)
            response = await poll(polling, coding)
        assert response.headers["content-encoding"] == coding
        assert decoded(response) == f'42["x","{LARGE}"]'
        only(io).emit_nowait("y")
        assert decoded(await poll(polling)) == '42["y"]'
        await wait_all_tasks_blocked()
        assert only(io)._state.peer.session.link.inflight_bytes == 0


async def wait_until_in_flight(io: Server) -> None:
    """Return when an answer is taken and not confirmed: so it is as long as it is compressed."""
    with trio.fail_after(10):
        while not only(io)._state.peer.session.link.inflight_bytes:
            await trio.lowlevel.checkpoint()


@pytest.mark.rows("B16")
async def test_what_a_thread_compresses_is_confirmed_when_it_is_written(running: Any) -> None:
    io = Server()
    flushed = trio.Event()
    async with running(io) as wire:
        polling = await (await wire.polling()).connect()
        socket = only(io)
        socket.emit_nowait("x", LARGE)

        async def flush() -> None:
            await socket.flush()
            flushed.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(flush)
            await wait_all_tasks_blocked()
            assert not flushed.is_set()
            await poll(polling)
            with trio.fail_after(10):
                await flushed.wait()


@pytest.mark.rows("B16")
async def test_a_client_that_leaves_while_a_thread_compresses(
    running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    io, reasons, ended = Server(), [], trio.Event()

    @io.on("disconnect")
    def disconnect(socket: object, reason: str) -> None:
        reasons.append(reason)
        ended.set()

    async with running(io) as wire:
        polling = await (await wire.polling()).connect()
        only(io).emit_nowait("x", LARGE)
        await polling.gets.send("GET", polling.target, headers=CHROMIUM)
        await trio.aclose_forcefully(polling.gets.stream)
        with trio.fail_after(10):
            await ended.wait()
        assert reasons == ["transport error"]
        assert io.engine.clients_count == 0
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.rows("B16")
async def test_a_session_that_ends_while_a_thread_compresses(running: Any) -> None:
    io = Server()
    async with running(io) as wire:
        polling = await (await wire.polling()).connect()
        socket = only(io)
        socket.emit_nowait("x", LARGE)
        await polling.gets.send("GET", polling.target, headers=CHROMIUM)
        await wait_until_in_flight(io)
        socket.disconnect(close=True)
        body = decoded(await polling.gets.response())
        assert body.startswith(f'42["x","{LARGE}"]')
        while not body.endswith("1"):  # the end comes with it, or in the next answer
            body = decoded(await poll(polling))


@pytest.mark.rows("B16")
async def test_a_server_that_stops_while_a_thread_compresses(link: Link) -> None:
    io = Server()
    async with trio.open_nursery() as nursery:
        async with io:
            polling = await (await Wire(io, nursery, link).polling()).connect()
            only(io).emit_nowait("x", LARGE)
            await polling.gets.send("GET", polling.target, headers=CHROMIUM)
            await wait_until_in_flight(io)
            nursery.start_soon(answered_in_whole, polling)
        assert io.engine.clients_count == 0


async def answered_in_whole(polling: Polling) -> None:
    with trio.fail_after(10):
        assert decoded(await polling.gets.response()).startswith(f'42["x","{LARGE}"]')


@pytest.mark.rows("B16")
async def test_waiting_threads_of_the_application_delay_no_answer(running: Any) -> None:
    io = Server()
    threads, waiting = trio.to_thread.current_default_thread_limiter(), []
    async with running(io) as wire:
        polling = await (await wire.polling()).connect()
        while threads.available_tokens:  # perhaps for the acknowledgement of what this client polls for
            waiting.append(object())
            threads.acquire_on_behalf_of_nowait(waiting[-1])
        try:
            only(io).emit_nowait("x", LARGE)
            with trio.fail_after(10):
                response = await poll(polling)
        finally:
            for thread in waiting:
                threads.release_on_behalf_of(thread)
        assert response.headers["content-encoding"] == "gzip"
        assert decoded(response) == f'42["x","{LARGE}"]'


# other payloads


@pytest.mark.rows("B16", "C8")
async def test_jsonp_is_compressed(autojump_clock: Any, running: Any) -> None:
    io = Server(jsonp=True)
    async with running(io) as wire:
        http, page = wire.http(), {"Referer": "http://test/page", **CHROMIUM}
        target = "/socket.io/?EIO=4&transport=polling&j=0"
        opening = (await http.request("GET", target, headers=page)).text
        target += "&sid=" + opening.split('\\"')[3]
        await http.request("POST", target, b"d=40", page)
        await http.request("GET", target, headers=page)
        only(io).emit_nowait("x", TEXT)
        response = await http.request("GET", target, headers=page)
        assert response.headers["content-encoding"] == "gzip"
        assert decoded(response) == f'___eio[0]("42[\\"x\\",\\"{TEXT}\\"]");'


@pytest.mark.rows("B16", "C4", "C5")
@pytest.mark.parametrize("value", [TEXT, bytes(2000)])
async def test_payloads_of_revision_3_are_compressed(
    autojump_clock: Any, running: Any, value: str | bytes
) -> None:
    io = Server(allow_eio3=True)
    async with running(io) as wire:
        http, target = wire.http(), "/socket.io/?EIO=3&transport=polling"
        opening = (await http.request("GET", target)).text
        target += "&sid=" + opening.split('"')[3]
        await http.request("GET", target)  # CONNECT
        only(io).emit_nowait("x", value)
        response = await http.request("GET", target, headers=CHROMIUM)
        assert response.headers["content-encoding"] == "gzip"
        body = gzip.decompress(response.body)
        assert body.endswith(f"{len(EVENT)}:{EVENT}".encode() if isinstance(value, str) else b"\x04" + value)


# POST


@pytest.mark.rows("B16", "C25")
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity, gzip"])
async def test_a_compressed_post_is_refused(autojump_clock: Any, running: Any, coding: str) -> None:
    io = Server()
    async with running(io) as wire:
        polling = await (await wire.polling()).connect()
        response = await polling.post(gzip.compress(b"4" * 2000), {"Content-Encoding": coding})
        assert (response.status, response.headers["accept-encoding"]) == (415, "identity")
        assert response.headers["connection"] == "close"
        polling.posts = wire.http()
        only(io).emit_nowait("x")  # it harms nobody
        assert (await polling.get()).text == '42["x"]'
        assert (await polling.post('42["y"]', {"Content-Encoding": "Identity"})).text == "ok"
