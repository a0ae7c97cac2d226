"""Polling sessions on the wire: overlap, hang-up, close, backpressure, the end of the server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from support.links import Link
from support.raw import POLLING, exchange, read_all, read_until, request, status
from support.wire import Polling, Response, Wire
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server

UNKNOWN = '{"code":1,"message":"Session ID unknown"}'


class Waiting:
    """A GET that waits."""

    def __init__(self, polling: Polling, nursery: trio.Nursery) -> None:
        self.response: Response | None = None
        self._polling = polling
        nursery.start_soon(self._run)

    async def _run(self) -> None:
        self.response = await self._polling.get()

    async def result(self) -> Response:
        await wait_all_tasks_blocked()
        assert self.response is not None
        return self.response


def _reasons(io: Server) -> list[Any]:
    reasons: list[Any] = []
    io.on("disconnect", lambda socket, reason, description: reasons.append((reason, description)))
    return reasons


@asynccontextmanager
async def _joined(running: Any) -> AsyncIterator[tuple[Polling, list[Any]]]:
    """A client that polls and has joined the main namespace, and what its socket ended for."""
    io = Server()
    reasons = _reasons(io)
    async with running(io) as wire:
        yield await (await wire.polling()).connect(), reasons


async def _assert_gone(polling: Polling) -> None:
    response = await polling.wire.http().request("GET", polling.target)
    assert (response.status, response.text) == (400, UNKNOWN)
    assert polling.wire.io.engine.clients_count == 0


@pytest.mark.rows("C17")
async def test_overlapping_polls(autojump_clock: Any, running: Any) -> None:
    async with _joined(running) as (polling, reasons), trio.open_nursery() as nursery:
        first = Waiting(polling, nursery)
        await wait_all_tasks_blocked()
        second = await polling.wire.http().request("GET", polling.target)
        assert (second.status, second.body) == (400, b"")
        assert (await first.result()).text == "1"
        assert [reason for reason, _ in reasons] == ["transport error"]
        await _assert_gone(polling)


@pytest.mark.rows("C18")
async def test_overlapping_posts(autojump_clock: Any, running: Any) -> None:
    async with _joined(running) as (polling, reasons):
        stream = polling.wire.stream()
        await stream.send_all(request(polling.target, "Content-Length: 6", method="POST", body=b"42"))
        await wait_all_tasks_blocked()
        second = await polling.post("42[]")
        assert (second.status, second.body) == (400, b"")
        await wait_all_tasks_blocked()
        assert [reason for reason, _ in reasons] == ["transport error"]
        await stream.send_all(b'["a"]')
        assert status(await read_until(stream, b"\r\n\r\n")) == 400
        await _assert_gone(polling)


@pytest.mark.rows("C19")
async def test_binary_content_type_is_answered_at_once(autojump_clock: Any, running: Any) -> None:
    async with _joined(running) as (polling, reasons):
        fields = ("Content-Type: application/octet-stream", "Content-Length: 100")
        received = await exchange(polling.wire.stream(), request(polling.target, *fields, method="POST"))
        assert status(received) == 400
        await wait_all_tasks_blocked()
        assert [reason for reason, _ in reasons] == ["transport error"]
        await _assert_gone(polling)


@pytest.mark.rows("F23")
@pytest.mark.parametrize("body", ["9", "", "4\x1e", "bAQI", "42[\x1e\x1e"])
async def test_payload_that_is_broken(autojump_clock: Any, running: Any, body: str) -> None:
    async with _joined(running) as (polling, reasons):
        response = await polling.post(body)
        assert (response.status, response.body) == (400, b"")
        await wait_all_tasks_blocked()
        assert reasons[0][0] in ("parse error", "forced close")
        if not body.startswith("4"):
            assert reasons[0][0] == "parse error"
        await _assert_gone(polling)


@pytest.mark.rows("C28")
async def test_client_closes(autojump_clock: Any, running: Any) -> None:
    async with _joined(running) as (polling, reasons), trio.open_nursery() as nursery:
        poll = Waiting(polling, nursery)
        await wait_all_tasks_blocked()
        response = await polling.post("1")
        assert (response.status, response.text) == (200, "ok")
        assert (await poll.result()).text == "6"
        assert [reason for reason, _ in reasons] == ["transport close"]
        await _assert_gone(polling)


@pytest.mark.rows("C30")
@pytest.mark.parametrize("how", ["close", "eof"])
async def test_client_hangs_up_while_its_poll_waits(autojump_clock: Any, running: Any, how: str) -> None:
    async with _joined(running) as (polling, reasons):
        stream = polling.wire.stream()
        await stream.send_all(request(polling.target))
        await wait_all_tasks_blocked()
        began = trio.current_time()
        await (stream.aclose() if how == "close" else stream.send_eof())
        await wait_all_tasks_blocked()
        assert reasons == [("transport error", "poll connection closed prematurely")]
        assert trio.current_time() == began
        await _assert_gone(polling)


@pytest.mark.rows("C20")
async def test_client_that_never_answers_a_ping(autojump_clock: Any, running: Any) -> None:
    io = Server(ping_interval=25.0, ping_timeout=20.0)
    reasons = _reasons(io)
    async with running(io) as wire:
        polling = await (await wire.polling()).connect()
        began = trio.current_time()
        assert (await polling.get()).text == "2"
        assert trio.current_time() - began == pytest.approx(25.0, abs=0.1)
        assert (await polling.get()).text == "1"
        assert trio.current_time() - began == pytest.approx(45.0, abs=0.2)
        assert [reason for reason, _ in reasons] == ["ping timeout"]
        await _assert_gone(polling)


async def test_connection_that_is_cancelled_ends_its_session(autojump_clock: Any, running: Any) -> None:
    io = Server()
    async with running(io) as wire:
        for part in ("GET", "POST"):
            polling = await wire.polling()
            ours, theirs = wire.pair()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(io.serve_stream, theirs)
                fields = ("Content-Length: 5",) if part == "POST" else ()
                await ours.send_all(request(polling.target, *fields, method=part))
                await wait_all_tasks_blocked()
                assert io.engine.clients_count == 1
                nursery.cancel_scope.cancel()
            assert await read_all(ours) == b""
            await _assert_gone(polling)


@pytest.mark.rows("H1")
async def test_end_of_the_server(link: Link, autojump_clock: Any) -> None:
    io = Server()
    reasons = _reasons(io)
    async with trio.open_nursery() as nursery:
        async with io:
            wire = Wire(io, nursery, link)
            polling = await (await wire.polling()).connect()
            lingering = await (await wire.polling()).connect()  # no poll of its own waits
            idle = wire.stream()
            await idle.send_all(request("/nothing"))
            await read_until(idle, b"\r\n\r\n")
            silent = wire.stream()
            waiting = Waiting(polling, nursery)
            await wait_all_tasks_blocked()
            began = trio.current_time()
        response = await waiting.result()
        assert (response.status, response.text) == (200, "1")
        assert [reason for reason, _ in reasons] == ["server shutting down"] * 2
        for stream in (idle, silent, lingering.gets.stream):
            assert await read_all(stream) == b""
        assert trio.current_time() == began


@pytest.mark.rows("H1")
async def test_no_new_request_is_read_while_the_server_ends(link: Link, autojump_clock: Any) -> None:
    io = Server()

    @io.on("disconnect")
    async def disconnect(socket: Any) -> None:
        with pytest.raises((EOFError, trio.BrokenResourceError)):
            await http.request("GET", POLLING)
        refused.set()

    refused = trio.Event()
    async with trio.open_nursery() as nursery:
        async with io:
            wire = Wire(io, nursery, link)
            client = await wire.connect()
            http = wire.http()
            await http.request("GET", "/nothing")
            nursery.start_soon(client.ws.receive)
        assert refused.is_set()


@pytest.mark.rows("C20")
async def test_ping_interval_may_be_shorter_than_the_timeout(autojump_clock: Any, running: Any) -> None:
    async with running(Server(ping_interval=1.0, ping_timeout=20.0)) as wire:
        polling = await (await wire.polling()).connect()
        for _ in range(3):
            began = trio.current_time()
            assert (await polling.get()).text == "2"
            assert trio.current_time() - began == pytest.approx(1.0, abs=0.1)
            assert (await polling.post("3")).text == "ok"
