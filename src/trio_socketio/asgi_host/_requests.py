"""Answers HTTP requests to the engine that an ASGI server has received."""

from __future__ import annotations

import trio

from trio_socketio.asgi_host._exchange import AsgiExchange, client_may_leave
from trio_socketio.engineio import EngineResponse, PollingTransport
from trio_socketio.net import (
    METHOD_NOT_ALLOWED,
    STOPPING,
    EngineHost,
    answer_post,
    coding_of,
    encoded,
)

__all__ = ["answer"]

TOO_SLOW = EngineResponse(408, [("Content-Length", "0")], close=True)


async def answer(exchange: AsgiExchange, host: EngineHost) -> None:
    """Answer one request to the engine.

    Cancellation: the session whose poll or POST this is, ends.
    """
    host.connections.add(exchange)
    try:
        with client_may_leave(host.service.logger):
            response = await _answer(exchange, host)
            if response is not None:
                await exchange.respond(exchange.finished(response))
    finally:
        host.connections.discard(exchange)


async def _answer(exchange: AsgiExchange, host: EngineHost) -> EngineResponse | None:
    """Return the response; None: it has been sent."""
    request, engine, service = exchange.request, host.engine, host.service
    response = await exchange.refusal()
    if response is not None:
        return response
    if not request.sid:
        if service.refuses(request):
            return STOPPING
        return await _poll(exchange, engine.open_polling(request, trio.current_time()), host)
    polling = engine.polling(engine.sessions[request.sid])
    if request.method == "GET":
        return await _poll(exchange, polling, host)
    if request.method == "POST":
        try:
            return await answer_post(exchange, polling, engine.options.max_http_buffer_size, service.logger)
        except trio.TooSlowError:
            return STOPPING if service.is_stopping else TOO_SLOW
    return METHOD_NOT_ALLOWED


async def _poll(exchange: AsgiExchange, polling: PollingTransport, host: EngineHost) -> EngineResponse | None:
    """Wait until the poll can be answered, and answer it. Return the response to a poll that is refused."""
    ready = trio.Event()
    refused = polling.begin_poll(ready.set)
    if refused is not None:
        return refused
    try:
        with exchange.watching_hang_up(ready.set) as watch:
            await ready.wait()
        if watch.hung_up:
            polling.poll_lost("poll connection closed prematurely")
            return None
        await _send_poll(exchange, polling, host)
    except BaseException:
        polling.poll_lost("the connection of a poll closed while it waited or was answered")
        raise
    polling.poll_written(trio.current_time())
    return None


async def _send_poll(exchange: AsgiExchange, polling: PollingTransport, host: EngineHost) -> None:
    request, compression = exchange.request, host.engine.options.http_compression
    response = exchange.finished(polling.collect(), initial=not request.sid)
    request.response_headers = ()  # frees them, as the session may keep its request
    coding = coding_of(response, request, compression)
    if coding is not None and compression is not None:
        polling.delay_answer()
        limiter = host.service.compressing
        response = await trio.to_thread.run_sync(
            encoded, response, coding, compression.level, limiter=limiter
        )
        instead = polling.begin_answer()
        if instead is not None:
            response = exchange.finished(instead)
    await exchange.respond(response)
