"""Answers WebSocket handshakes that an ASGI server has received."""

from __future__ import annotations

from trio_socketio._asgi_types import Receive, Scope, Send
from trio_socketio.asgi_host._exchange import AsgiExchange, asgi_headers, client_may_leave
from trio_socketio.asgi_host._websocket import AsgiWebSocket
from trio_socketio.engineio import EngineResponse
from trio_socketio.net import STOPPING, EngineHost, attach

__all__ = ["deny", "serve_websocket"]


async def serve_websocket(
    exchange: AsgiExchange, scope: Scope, receive: Receive, send: Send, host: EngineHost
) -> None:
    """Answer a handshake for the engine, and serve its WebSocket until it has ended.

    Cancellation: the WebSocket is dropped; its session is notified.
    """
    if (await receive())["type"] != "websocket.connect":
        return
    is_accepted = False
    with client_may_leave(host.service.logger):
        is_accepted = await _is_accepted(exchange, scope, host)
    if is_accepted:
        limit = host.engine.options.max_http_buffer_size
        websocket = AsgiWebSocket(receive, send, host.options.flush_timeout, limit)
        attach(websocket, exchange.request, host.service)
        await websocket.run()


async def _is_accepted(exchange: AsgiExchange, scope: Scope, host: EngineHost) -> bool:
    """Accept a handshake, or refuse it and return False."""
    request, service = exchange.request, host.service
    host.connections.add(exchange)
    try:
        response = await exchange.refusal()
    finally:
        host.connections.discard(exchange)
    if response is None and service.refuses(request):
        response = STOPPING
    if response is not None:
        await deny(exchange, exchange.finished(response), scope)
        return False
    fields = service.headers.opening(request, (), initial=not request.sid)
    request.response_headers = ()  # frees them, as the session may keep its request
    await exchange.send_in_time(
        {
            "type": "websocket.accept",
            "subprotocol": host.engine.choose_subprotocol(request),
            "headers": asgi_headers(EngineResponse(101, fields)),
        }
    )
    return True


async def deny(exchange: AsgiExchange, response: EngineResponse, scope: Scope) -> None:
    """Refuse a handshake with a response (the ASGI specification, "WebSocket Denial Response").

    Servers without this extension send 403.
    """
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await exchange.send_in_time({"type": "websocket.close", "code": 1000})
        return
    headers = asgi_headers(response)
    start = {"type": "websocket.http.response.start", "status": response.status, "headers": headers}
    await exchange.send_in_time(start)
    await exchange.send_in_time({"type": "websocket.http.response.body", "body": response.body})
