"""Answers WebSocket handshakes that an ASGI server has received."""

from __future__ import annotations

from trio_socketio._asgi_types import Receive, Scope, Send
from trio_socketio.asgi_host._exchange import AsgiExchange, asgi_headers
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
    request, service = exchange.request, host.service
    if (await receive())["type"] != "websocket.connect":
        return
    host.connections.add(exchange)
    try:
        response = await exchange.refusal()
    finally:
        host.connections.discard(exchange)
    if response is None and service.refuses(request):
        response = STOPPING
    if response is not None:
        await deny(exchange.finished(response), scope, send)
        return
    fields = service.headers.opening(request, (), initial=not request.sid)
    request.response_headers = ()  # frees them, as the session may keep its request
    await send(
        {
            "type": "websocket.accept",
            "subprotocol": host.engine.choose_subprotocol(request),
            "headers": asgi_headers(EngineResponse(101, fields)),
        }
    )
    limit = host.engine.options.max_http_buffer_size
    websocket = AsgiWebSocket(receive, send, host.options.flush_timeout, limit)
    attach(websocket, request, service)
    await websocket.run()


async def deny(response: EngineResponse, scope: Scope, send: Send) -> None:
    """Refuse a handshake with a response (the ASGI specification, "WebSocket Denial Response").

    Servers without this extension send 403.
    """
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1000})
        return
    headers = asgi_headers(response)
    await send({"type": "websocket.http.response.start", "status": response.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": response.body})
