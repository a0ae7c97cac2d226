"""The option ``adapter``: what makes the adapter of each namespace."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.adapters import Host

from trio_socketio import EngineServer, Server
from trio_socketio.adapters import Broadcast, LocalAdapter

pytestmark = pytest.mark.rows("I1")


class Recorder(LocalAdapter[Any]):
    """Passes broadcasts on, as a cluster adapter does, to a task that it starts when the first one comes."""

    def __init__(self, host: Any) -> None:
        super().__init__(host)
        self.published: list[tuple[str | float, tuple[Any, ...]]] = []
        self._queue: trio.MemorySendChannel[Broadcast] | None = None

    def broadcast(self, broadcast: Broadcast) -> None:
        super().broadcast(broadcast)
        if not broadcast.target.local:
            if self._queue is None:
                self._queue, received = trio.open_memory_channel[Broadcast](10)
                self.host.nursery.start_soon(self._publish, received)
            self._queue.send_nowait(broadcast)

    async def _publish(self, queue: trio.MemoryReceiveChannel[Broadcast]) -> None:
        async for broadcast in queue:
            self.published.append((broadcast.event, broadcast.args))


async def test_adapter_sees_every_broadcast_of_its_namespace(running: Any) -> None:
    made: dict[str, Recorder] = {}

    def factory(host: Any) -> Recorder:
        return made.setdefault(host.name, Recorder(host))

    io = Server(adapter=factory)
    io.of("/chat")
    assert list(made) == ["/", "/chat"]
    async with running(io) as net:
        client = await net.connect()
        await io.emit("one", 1)
        io.to("nobody").emit_nowait("two")
        await io.local.emit("three", 3)
        await io.of("/chat").emit("four")
        assert [await client.event(), await client.event()] == [["one", 1], ["three", 3]]
        await trio.testing.wait_all_tasks_blocked()
    assert made["/"].published == [("one", (1,)), ("two", ())]
    assert made["/chat"].published == [("four", ())]


def test_local_adapter_is_the_default() -> None:
    assert Server().config.adapter is LocalAdapter


async def coroutine(host: Any) -> Any: ...


@pytest.mark.parametrize(
    "adapter", [None, "redis://localhost", 5, coroutine], ids=["None", "URL", "number", "coroutine function"]
)
def test_adapter_that_is_no_function_is_refused(adapter: Any) -> None:
    with pytest.raises(TypeError, match="adapter must be the class of an adapter, or a plain function"):
        Server(adapter=adapter)


def test_one_adapter_for_all_namespaces_is_refused() -> None:
    adapter: Any = LocalAdapter(Host())
    with pytest.raises(TypeError, match=r"the class of an adapter.*each namespace has its own"):
        Server(adapter=adapter)


def test_function_that_makes_no_adapter_is_refused() -> None:
    def factory(host: Any) -> Any:
        return host.name

    with pytest.raises(TypeError, match="must return an Adapter for the namespace '/', not '/'"):
        Server(adapter=factory)


def test_engine_server_has_no_adapter() -> None:
    options: Any = {"adapter": LocalAdapter}
    with pytest.raises(TypeError, match="no option 'adapter': it is an option of Server"):
        EngineServer(**options)


# the default


async def test_default_adapter_replaces_that_of_all_namespaces(running: Any) -> None:
    made: dict[str, Recorder] = {}
    seen: list[str] = []
    io = Server()
    io.of("/chat").on_room("join-room", lambda room, sid: seen.append(room))
    io.set_default_adapter(lambda host: made.setdefault(host.name, Recorder(host)))
    io.of("/later")
    assert list(made) == ["/", "/chat", "/later"]
    async with running(io) as net:
        client = await net.connect("/chat")
        await io.of("/chat").emit("one", 1)
        assert seen == [client.sids["/chat"]]
        assert len(made["/chat"].members) == 1
        with pytest.raises(RuntimeError, match="the server runs"):
            io.set_default_adapter(Recorder)


def test_default_adapter_leaves_the_option_alone() -> None:
    io = Server(adapter=Recorder)
    io.set_default_adapter(LocalAdapter)
    assert io.config.adapter is Recorder
