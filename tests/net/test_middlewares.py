"""Middlewares of the engine: which requests pass them, in what order, and how they refuse a request."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from support.raw import POLLING, exchange, fields, request, status, switched, upgrade

from trio_socketio import EngineRequest, Forbidden, Server

Next = Callable[[], Awaitable[None]]

CLOSE = "Connection: close"


@pytest.mark.rows("B14")
async def test_middlewares_see_every_request_to_the_engine_in_order(
    autojump_clock: Any, running: Any
) -> None:
    io = Server()
    seen: list[str] = []

    @io.engine.use
    async def outer(request: EngineRequest, go_on: Next) -> None:
        seen.append(f"{request.method} {request.query['transport']} in")
        await go_on()
        seen.append("out")

    async with running(io) as wire:

        class Inner:
            async def __call__(self, request: EngineRequest, go_on: Next) -> None:
                await trio.sleep(1)
                seen.append("inner")
                request.response_headers = [*request.response_headers, ("X-Inner", "1")]
                await go_on()

        io.engine.use(Inner())
        polling = await wire.polling()
        assert seen == ["GET polling in", "inner", "out"]
        assert (await polling.post("40")).headers["x-inner"] == "1"
        assert seen[3:] == ["POST polling in", "inner", "out"]
        received = await switched(wire, polling.target.replace("polling", "websocket"))
        assert seen[6:] == ["GET websocket in", "inner", "out"]
        assert ("x-inner", "1") in fields(received)
        refused = await wire.http().request("PUT", POLLING)
        assert (refused.status, refused.headers["x-inner"]) == (400, "1")
        assert seen[9:] == ["PUT polling in", "inner", "out"]
        assert (await wire.http().request("GET", "/elsewhere?transport=polling")).status == 404
        assert len(seen) == 12


async def _fail(request: EngineRequest, go_on: Next) -> None:
    raise LookupError("the secret detail")


async def _stay(request: EngineRequest, go_on: Next) -> None:
    await trio.lowlevel.checkpoint()


async def _twice(request: EngineRequest, go_on: Next) -> None:
    await go_on()
    await go_on()


async def _forbid(request: EngineRequest, go_on: Next) -> None:
    async with trio.open_nursery():
        raise Forbidden("not here")


@pytest.mark.rows("B14", "B4", "B8")
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("middleware", "code", "body", "logged"), [
    (_fail, 400, '{"code":3,"message":"Bad request"}', 1), (_stay, 400, '{"code":3,"message":"Bad request"}', 0),
    (_twice, 400, '{"code":3,"message":"Bad request"}', 1),
    (_forbid, 403, '{"code":4,"message":"not here"}', 0),
])  # fmt: skip
async def test_middleware_that_does_not_continue_refuses_the_request(
    autojump_clock: Any, running: Any, middleware: Any, code: int, body: str, logged: int, after: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    io = Server()
    told: list[str] = []

    @io.engine.on("connection_error")
    def connection_error(request: EngineRequest, code: int, message: str, context: str) -> None:
        told.append(context)

    async def good(request: EngineRequest, go_on: Next) -> None:
        await go_on()

    if after:
        io.engine.use(good)
    io.engine.use(middleware)
    if not after:
        io.engine.use(good)
    async with running(io) as wire:
        for data in (request(POLLING, CLOSE), request(f"{POLLING}&sid=unknown", CLOSE), upgrade()):
            received = await exchange(wire.stream(), data)
            assert status(received) == code
            assert received.endswith(b"\r\n\r\n" + body.encode())
        assert told == ["FORBIDDEN" if code == 403 else "MIDDLEWARE_FAILURE"] * 3
        assert sum(record.levelno >= logging.ERROR for record in caplog.records) == 3 * logged
        assert io.engine.clients_count == 0


@pytest.mark.rows("B14")
async def test_second_call_of_the_next_middleware_raises(autojump_clock: Any, running: Any) -> None:
    io = Server()

    @io.engine.use
    async def twice(request: EngineRequest, go_on: Next) -> None:
        await go_on()
        with pytest.raises(RuntimeError, match="once"):
            await go_on()

    io.engine.use(_stay)
    async with running(io) as wire:
        assert (await wire.http().request("GET", POLLING)).status == 400
