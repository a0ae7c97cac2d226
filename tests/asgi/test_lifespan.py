"""The lifespan of an application."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import trio
from conftest import Running
from support.logs import warnings

from trio_socketio import Server


class App:
    """An application that records what it is told."""

    def __init__(self) -> None:
        self.events: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.lifespan(scope, receive, send)
        else:
            self.events.append(f"request with {scope['state']}")
            scope["state"]["own"] = 1
            await send({"type": "http.response.start", "status": 204})
            await send({"type": "http.response.body"})

    async def lifespan(self, scope: Any, receive: Any, send: Any) -> None:
        self.events.append((await receive())["type"])
        scope["state"]["shared"] = 5
        await send({"type": "lifespan.startup.complete"})
        self.events.append((await receive())["type"])
        await send({"type": "lifespan.shutdown.complete"})


async def test_lifespan_surrounds_the_requests(running: Running, caplog: Any) -> None:
    app = App()
    async with running(Server(asgi=app)) as wire:
        http = wire.http()
        await http.request("GET", "/")
        await http.request("GET", "/")
        assert "lifespan.shutdown" not in app.events
    request = "request with {'shared': 5}"
    assert app.events == ["lifespan.startup", request, request, "lifespan.shutdown"]
    assert not warnings(caplog)


async def test_lifespan_ends_when_serve_is_cancelled() -> None:
    app = App()
    async with trio.open_nursery() as nursery:
        await nursery.start(Server(asgi=app).serve, "127.0.0.1", 0)
        assert app.events == ["lifespan.startup"]
        nursery.cancel_scope.cancel()
    assert app.events == ["lifespan.startup", "lifespan.shutdown"]


async def test_server_may_emit_during_startup() -> None:
    class Emits(App):
        async def lifespan(self, scope: Any, receive: Any, send: Any) -> None:
            await io.emit("news")
            await super().lifespan(scope, receive, send)

    io = Server(asgi=Emits())
    async with io:
        pass


async def test_failed_startup_ends_serve_with_its_message() -> None:
    class Fails(App):
        async def lifespan(self, scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "lifespan.startup.failed", "message": "no database"})
            raise ValueError("a cause")

    with pytest.raises(RuntimeError, match=r"test_lifespan.*failed to start: no database") as caught:
        await Server(asgi=Fails()).serve("127.0.0.1", 0)
    assert repr(caught.value.__cause__) == "ValueError('a cause')"


@pytest.mark.parametrize("error", [None, NotImplementedError("only http")])
async def test_application_without_lifespan_is_served(caplog: Any, running: Running, error: Any) -> None:
    class Without(App):
        async def lifespan(self, scope: Any, receive: Any, send: Any) -> None:
            if error is not None:
                raise error

    caplog.set_level(logging.INFO, "trio_socketio")
    async with running(Server(asgi=Without())) as wire:
        assert (await wire.http().request("GET", "/")).status == 204
    (line,) = [record.getMessage() for record in caplog.records if "lifespan" in record.getMessage()]
    assert "Without has no lifespan" in line
    assert not warnings(caplog)


async def test_application_that_does_not_shut_down_is_cancelled(caplog: Any, autojump_clock: Any) -> None:
    ended = False

    class Stays(App):
        async def lifespan(self, scope: Any, receive: Any, send: Any) -> None:
            nonlocal ended
            await send({"type": "lifespan.startup.complete"})
            try:
                await trio.sleep_forever()
            finally:
                ended = True

    start = trio.current_time()
    async with Server(asgi=Stays(), disconnect_timeout=2):
        pass
    assert trio.current_time() - start == pytest.approx(2)
    assert ended
    (line,) = warnings(caplog)
    assert "Stays did not shut down within 2 s" in line


async def test_failed_shutdown_is_logged(caplog: Any) -> None:
    class Fails(App):
        async def lifespan(self, scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.failed", "message": "still busy"})

    async with Server(asgi=Fails()):
        pass
    (line,) = warnings(caplog)
    assert "Fails failed to shut down: still busy" in line


async def test_failure_after_startup_leaves_the_server_running(caplog: Any, running: Running) -> None:
    class Fails(App):
        async def lifespan(self, scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "lifespan.startup.complete"})
            raise ValueError("a bug")

    async with running(Server(asgi=Fails())) as wire:
        assert (await wire.http().request("GET", "/")).status == 204
    (line,) = warnings(caplog)
    assert "Fails failed in its lifespan" in line


async def test_start_can_be_cancelled() -> None:
    class Waits(App):
        async def lifespan(self, scope: Any, receive: Any, send: Any) -> None:
            await trio.sleep_forever()

    with trio.move_on_after(0.05) as scope:
        await Server(asgi=Waits()).serve("127.0.0.1", 0)
    assert scope.cancelled_caught


async def test_start_has_a_time_limit(autojump_clock: Any) -> None:
    ended = False

    class Waits(App):
        async def lifespan(self, scope: Any, receive: Any, send: Any) -> None:
            nonlocal ended
            try:
                await trio.sleep_forever()
            finally:
                ended = True

    with pytest.raises(RuntimeError, match=r"Waits did not start within asgi_startup_timeout=60 s"):
        await Server(asgi=Waits()).serve("127.0.0.1", 0)
    assert trio.current_time() == pytest.approx(60)
    assert ended


async def test_message_out_of_order_is_refused(caplog: Any) -> None:
    class Twice(App):
        async def lifespan(self, scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.startup.complete"})

    async with Server(asgi=Twice()):
        await trio.testing.wait_all_tasks_blocked()
    (line,) = warnings(caplog)
    assert "Twice failed in its lifespan" in line
