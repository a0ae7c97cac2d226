"""Django under uvicorn, and Socket.IO as a guest on a port of its own.

Django's ASGI handler needs asyncio and has no lifespan. ``application`` adds a lifespan, which holds the guest.

    pip install django uvicorn
    python examples/django/server.py          # PORT and SOCKETIO_PORT are read from the environment
"""

from __future__ import annotations

import os
import secrets
from typing import Any

import uvicorn
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from trio_socketio import Server, Socket
from trio_socketio.guest import Guest

PORT, SOCKETIO_PORT = int(os.environ.get("PORT", "3000")), int(os.environ.get("SOCKETIO_PORT", "3001"))

if not settings.configured:
    settings.configure(ROOT_URLCONF=__name__, SECRET_KEY=secrets.token_hex(), ALLOWED_HOSTS=["127.0.0.1"])

django = get_asgi_application()
io = Server(cors=f"http://127.0.0.1:{PORT}")  # the pages have another origin
guests: list[Guest] = []


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "lifespan":
        await django(scope, receive, send)
        return
    await receive()
    async with io.guest("127.0.0.1", SOCKETIO_PORT) as guest:
        guests.append(guest)
        print(f"Socket.IO on http://127.0.0.1:{guest.listeners[0].socket.getsockname()[1]}", flush=True)
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def news(request: HttpRequest, text: str) -> HttpResponse:
    await guests[0].run(io.emit, "news", text)
    return HttpResponse()


urlpatterns = [path("news/<text>", news)]


@io.on("say")
async def say(socket: Socket, text: str) -> int:
    await io.emit("said", text)
    return len(text)


if __name__ == "__main__":
    uvicorn.run(application, host="127.0.0.1", port=PORT)
