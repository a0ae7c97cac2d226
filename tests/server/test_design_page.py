"""The first example of the design runs as it is written."""

from __future__ import annotations

import pytest
import trio
from support.wire import SioClient, WebSocket

import trio_socketio

BLOCK = """
import trio
from trio_socketio import Server, Socket

io = Server()

@io.on("connection")
async def connection(socket: Socket) -> None:
    socket.join("lobby")
    await socket.broadcast.to("lobby").emit("joined", socket.id)

@io.on("say")
async def say(socket: Socket, room: str, text: str) -> dict[str, bool]:
    await io.to(room).emit("said", {"from": socket.id, "text": text})
    return {"ok": True}                              # the client's acknowledgement

trio.run(io.serve, "127.0.0.1", 3000)
"""


@pytest.mark.rows("A1", "F1", "F6", "G1")
async def test_example_of_the_design_runs_as_written(
    monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery
) -> None:
    # trio.run cannot run inside of trio.run: it is noted what it was asked to run, which then runs on a free port.
    asked: list[tuple[object, ...]] = []
    with monkeypatch.context() as patch:
        patch.setattr(trio, "run", lambda *args: asked.append(args))
        variables: dict[str, object] = {}
        exec(compile(BLOCK, "<first page>", "exec"), variables)
    io = variables["io"]
    assert isinstance(io, trio_socketio.Server)
    assert asked == [(io.serve, "127.0.0.1", 3000)]
    listeners = await nursery.start(io.serve, "127.0.0.1", 0)
    port = listeners[0].socket.getsockname()[1]

    async def client() -> SioClient:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        ws = await WebSocket(stream).open("/socket.io/?EIO=4&transport=websocket")
        return await (await SioClient(ws).start()).connect()

    with trio.fail_after(10):
        first, second = await client(), await client()
        assert await first.event() == ["joined", second.sids["/"]]
        await first.emit("say", "lobby", "你好", ack=7)
        said = ["said", {"from": first.sids["/"], "text": "你好"}]
        assert await first.event() == said
        assert await first.receive() == '37[{"ok":true}]'
        assert await second.event() == said
        await first.ws.stream.aclose()
        await second.ws.stream.aclose()
    nursery.cancel_scope.cancel()
