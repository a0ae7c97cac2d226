"""A user's program: type checkers find nothing to say about it, and infer what stands beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, assert_type

import msgspec
import trio

from trio_socketio import (
    Answers,
    BroadcastOperator,
    ConnectRefused,
    CookieOptions,
    Cors,
    Disconnected,
    EngineConn,
    EngineRequest,
    EngineServer,
    EngineSocket,
    Event,
    Forbidden,
    GuestTaskCancelled,
    Health,
    HttpCompression,
    Namespace,
    Outbox,
    PerMessageDeflate,
    RemoteSocket,
    Server,
    ServerOptions,
    Socket,
)
from trio_socketio.adapters import Broadcast, LocalAdapter, LocalMember, NamespaceHost
from trio_socketio.guest import Guest


async def allow_request(request: EngineRequest) -> None:
    if request.query.get("token") is None:
        raise Forbidden("a token is missing")


options: ServerOptions = {"ping_interval": 10, "hold_timeout": 5.0, "connect_timeout": 5.0}
other = Server(**options)
io = Server(
    allow_request=allow_request,
    cors=Cors(origin=["https://a.example"]),
    cookie=CookieOptions(name="lb"),
    outbox=Outbox(max_packets=100, policy="block"),
    http_compression=HttpCompression(level=1),
    per_message_deflate=PerMessageDeflate(threshold=100),
    transports=["websocket"],
    ordering="concurrent",
)
admin = io.of("/admin")
assert_type(admin, Namespace)
assert_type(io.config.connect_timeout, float)
assert_type(io.engine, EngineServer)


class Message(msgspec.Struct):
    room: str
    text: str


@admin.use
async def only_admins(socket: Socket) -> None:
    if socket.handshake.auth.get("token") != "secret":
        raise ConnectRefused("not authorized", data={"code": 7})


@io.on("connection")
async def connection(socket: Socket) -> None:
    assert_type(socket.id, str)
    assert_type(socket.rooms, frozenset[str])
    assert_type(socket.connected, bool)
    assert_type(socket.conn, EngineConn)
    assert_type(socket.nsp, Namespace)
    print(socket.conn.transport.name, socket.request.path, socket.transport)
    socket.join("lobby")
    socket.on("mine", lambda number: number * 2)
    socket.conn.on("upgrade", lambda: print("upgraded"))
    socket.nursery.start_soon(chatter, socket)
    async for event in socket:
        assert_type(event, Event)
        event.ack("noted", len(event.args))


async def chatter(socket: Socket) -> None:
    try:
        with trio.move_on_after(5):
            answer = await socket.call("question", {"n": 1}, b"binary")
            print(answer)
        await socket.broadcast.to("lobby").except_("quiet").emit("heard", socket.id)
        await socket.volatile.emit("tick")
        await socket.compress(False).emit("secret")
        socket.emit_nowait("now")
        await socket.flush()
    except Disconnected:
        socket.disconnect(close=True)


@io.on("post")
async def post(socket: Socket, message: Message) -> dict[str, bool]:
    await io.to(message.room).emit("posted", message)
    return {"ok": True}


@admin.once("stop")
def stop(socket: Socket, *args: object) -> None:
    socket.leave("lobby")


@io.on("disconnect")
async def disconnect(socket: Socket, reason: str, description: str) -> None:
    io.emit_nowait("gone", socket.id)


class CountingAdapter(LocalAdapter[LocalMember]):
    """An adapter of the user's own."""

    def __init__(self, host: NamespaceHost[LocalMember]) -> None:
        super().__init__(host)
        self.count = 0

    def broadcast(self, broadcast: Broadcast) -> None:
        super().broadcast(broadcast)
        self.count += len(broadcast.message)
        assert_type(broadcast.target.rooms, frozenset[str] | None)


def make_adapter(host: NamespaceHost[LocalMember]) -> LocalAdapter[LocalMember]:
    return CountingAdapter(host) if host.name == "/" else LocalAdapter(host)


Server(adapter=CountingAdapter)
Server(adapter=make_adapter)


@io.on_room("join-room")
def joined(room: str, socket_id: str) -> None:
    print(room, io.sockets[socket_id].rooms)


admin.on_room("create-room", print)


@io.on_error
def on_error(socket: Socket, event: str | float, error: Exception) -> None:
    print(event, error)


async def count() -> int:
    assert_type(io.sockets, Mapping[str, Socket])
    assert_type(admin.sockets, Mapping[str, Socket])
    assert_type(io.health(), Health)
    assert_type(io.local, BroadcastOperator)
    answers = await io.to("lobby").call("ready?", timeout=1.0)
    assert_type(answers, Answers)
    for socket in await admin.fetch_sockets():
        assert_type(socket, Socket | RemoteSocket)
    await io.sockets_join("everyone")
    await io.disconnect_sockets()
    return len(io.sockets)


@io.engine.on("initial_headers")
def headers(fields: list[tuple[str, str]], request: EngineRequest) -> None:
    fields.append(("X-Path", request.path))


eio = EngineServer(path="/eio/", max_http_buffer_size=1000)


@eio.on("connection")
async def opened(socket: EngineSocket) -> None:
    @socket.on("close")
    def close(reason: str, description: str) -> None:
        print(reason, description)

    async for message in socket:
        assert_type(message, str | bytes)
        await socket.send(message)


async def main() -> None:
    async with io, trio.open_nursery() as nursery:
        listeners: list[Any] = await nursery.start(io.serve, "127.0.0.1", 0)
        nursery.start_soon(io.serve_unix, "/run/chat.sock")
        print(len(listeners), await count(), opened, close_all, in_asyncio, awaits_asyncio)
        await io.drain(timeout=1.0)


async def in_asyncio() -> None:
    async with io.guest("127.0.0.1", 0, reuse_port=True) as guest:
        assert_type(guest, Guest)
        assert_type(await guest.run(count), int)
        await guest.run(io.emit, "news", {"number": 1})
        await guest.serve(eio, "127.0.0.1", 0)


async def query(key: str) -> float:
    await asyncio.sleep(0)
    return float(key)


async def awaits_asyncio(guest: Guest) -> float:
    try:
        assert_type(await guest.run_in_asyncio(query, "1.0"), float)
    except GuestTaskCancelled:
        return 0.0
    return 1.0


def close_all() -> None:
    for socket in eio.clients:
        socket.close()


assert_type(io.to("a", ["b", "c"]).in_("d"), BroadcastOperator)

if __name__ == "__main__":
    trio.run(main)
