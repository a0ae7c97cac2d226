"""Our servers and emitters on Redis, driven by JSON lines as Node's are by ``servers.js``."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Awaitable, Sequence
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import hiredis
import trio
from clients.harness import pack, unpack

from trio_socketio import Server, Socket
from trio_socketio.adapters import (
    AdapterState,
    Emitter,
    RedisAdapter,
    RedisShardedAdapter,
    RedisStreamsAdapter,
    ShardedEmitter,
    StreamsEmitter,
)
from trio_socketio.errors import ClusterTimeout

NAMESPACES = ("/", "/other")

Command = dict[str, Any]


def say(line: dict[str, Any]) -> None:
    """Write a line."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def make_adapter(kind: str, url: str, prefix: str, options: dict[str, Any]) -> Any:
    """Make an adapter whose keys and channels begin with the prefix."""
    match kind:
        case "classic":
            return RedisAdapter(url, key=prefix, **{"requests_timeout": 2.0, **options})
        case "sharded":
            return RedisShardedAdapter(url, channel_prefix=prefix, **options)
        case _:
            return RedisStreamsAdapter(url, stream_name=prefix, channel_prefix=prefix, **options)


class Traffic:
    """Emits numbered events to all clients: "ev" with the server's name and the number.

    Args:
        host: the server.
        interval: the time between two of them, in seconds.
        waits: whether each waits for room in the queue of the adapter.
    """

    def __init__(self, host: Host, interval: float, waits: bool) -> None:
        self._host, self._interval, self._waits = host, interval, waits
        self._scope = trio.CancelScope()
        self._ended = trio.Event()
        self._times: list[float] = []

    async def run(self) -> None:
        """Emit until stopped."""
        io, name = self._host.io, self._host.name
        with self._scope:
            for number in count():
                now = time.monotonic()
                if self._waits:
                    await io.emit("ev", name, number)
                else:
                    io.emit_nowait("ev", name, number)
                self._times.append(now)
                await trio.sleep(self._interval)
        self._ended.set()

    async def stop(self) -> list[float]:
        """Stop, and return when each number was emitted, by the clock ``time.monotonic``."""
        self._scope.cancel()
        await self._ended.wait()
        return self._times


class Host:
    """One server.

    Attributes:
        io: the server.
        adapter: its adapter.
        scope: cancels it.
        nursery: its tasks.
        traffic: what it emits by itself.
    """

    def __init__(self, name: str, adapter: Any, options: dict[str, Any]) -> None:
        self.name = name
        self.adapter = adapter
        self.io = Server(adapter=adapter, allow_eio3=True, **options)
        self.scope = trio.CancelScope()
        self.nursery: trio.Nursery | None = None
        self.traffic: Traffic | None = None
        self.io.on_adapter_state(self.adapter_state)
        for namespace in NAMESPACES:
            self.add_handlers(self.io.of(namespace))

    def report(self, event: str, *args: Any) -> None:
        say({"client": self.name, "event": event, "args": pack(args)})

    def adapter_state(self, state: AdapterState) -> None:
        self.report("state", str(state))

    def add_handlers(self, namespace: Any) -> None:
        """Register handlers for what clients and other servers send."""

        @namespace.on("join")
        def join(socket: Socket, *rooms: str) -> tuple[()]:
            socket.join(*rooms)
            return ()

        @namespace.on("disconnect")
        def disconnect(socket: Socket, reason: str) -> None:
            self.report("gone", socket.id)

        @namespace.on_server("told")
        def told(*args: Any) -> None:
            self.report("told", *args)

        @namespace.on_server("asked")
        async def asked(*args: Any) -> Any:
            if args[0] == "silence":
                await trio.sleep_forever()
            return {"from": self.name, "args": args}

    async def run(self, *, task_status: trio.TaskStatus[int]) -> None:
        """Serve, and tell the port."""
        with self.scope:
            async with trio.open_nursery() as self.nursery:
                listeners = await self.nursery.start(self.io.serve, "127.0.0.1", 0)
                task_status.started(listeners[0].socket.getsockname()[1])


def chosen(broadcaster: Any, command: Command) -> Any:
    """Return the operator for what a command chooses."""
    for flag in command["flags"]:
        broadcaster = broadcaster.compress(False) if flag == "uncompressed" else getattr(broadcaster, flag)
    if command["rooms"] is not None:
        broadcaster = broadcaster.to(command["rooms"])
    return broadcaster.except_(command["except"]) if command["except"] else broadcaster


async def collected(call: Awaitable[Sequence[Any]]) -> dict[str, Any]:
    """Return the values of other servers, and whether they are all."""
    try:
        return {"values": await call, "complete": True}
    except ClusterTimeout as error:
        return {"values": error.partial, "complete": False}


def describe(socket: Any) -> dict[str, Any]:
    """Describe a socket as Node's servers do, as far as tests ask for it."""
    handshake = socket.handshake
    return {
        "id": socket.id,
        "rooms": sorted(socket.rooms),
        "data": socket.data,
        "handshake": {
            name: getattr(handshake, name) for name in ("address", "secure", "url", "query", "auth")
        },
    }


class Redis:
    """A client of Redis with what emitters need. It blocks."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = socket.create_connection((parts.hostname, parts.port), timeout=10)
        self._reader = hiredis.Reader()

    def _execute(self, *words: bytes | str | int) -> Any:
        self._connection.sendall(hiredis.pack_command(words))
        while (reply := self._reader.gets()) is False:
            self._reader.feed(self._connection.recv(65536))
        return reply

    def publish(self, channel: str, data: bytes | str) -> Any:
        """Publish a message, and return the number of its receivers."""
        return self._execute("PUBLISH", channel, data)

    def spublish(self, channel: str, data: bytes | str) -> Any:
        """Publish a message to a sharded channel."""
        return self._execute("SPUBLISH", channel, data)

    def xadd(self, name: str, fields: dict[bytes, bytes], *, maxlen: int, approximate: bool) -> Any:
        """Append an entry to a stream."""
        assert approximate
        words = [word for field in fields.items() for word in field]
        return self._execute("XADD", name, "MAXLEN", "~", maxlen, "*", *words)


def make_emitter(kind: str, url: str, prefix: str) -> Any:
    """Make an emitter for the servers of ``make_adapter``."""
    redis = Redis(url)
    match kind:
        case "classic":
            return Emitter(redis, key=prefix)
        case "sharded":
            return ShardedEmitter(redis, channel_prefix=prefix)
        case _:
            return StreamsEmitter(redis, stream_name=prefix)


class Commands:
    """The commands of the tests, by name."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._hosts: dict[str, Host] = {}
        self._emitters: dict[str, Any] = {}

    def _chosen(self, command: Command) -> Any:
        return chosen(self._hosts[command["client"]].io.of(command["nsp"]), command)

    async def serve(self, command: Command) -> int:
        adapter = make_adapter(command["adapter"], command["redis"], command["prefix"], command["options"])
        host = self._hosts[command["client"]] = Host(command["client"], adapter, command["server"])
        port: int = await self._nursery.start(host.run)
        return port

    async def settled(self, command: Command) -> None:
        """Wait until all channels so far are subscribed to."""
        await self._hosts[command["client"]].adapter.ready()

    async def close(self, command: Command) -> None:
        self._hosts.pop(command["client"]).scope.cancel()

    async def health(self, command: Command) -> dict[str, Any]:
        health = self._hosts[command["client"]].adapter.health()
        names = ("queued_packets", "published", "received", "dropped", "unconfirmed", "gaps")
        counters = {name: getattr(health, name) for name in names}
        return {**counters, "state": str(health.state), "rejected": dict(health.rejected)}

    async def startTraffic(self, command: Command) -> None:  # noqa: N802  # the command's name
        host = self._hosts[command["client"]]
        host.traffic = Traffic(host, command["interval"], command["waits"])
        assert host.nursery is not None
        host.nursery.start_soon(host.traffic.run)

    async def stopTraffic(self, command: Command) -> list[float]:  # noqa: N802  # the command's name
        traffic = self._hosts[command["client"]].traffic
        assert traffic is not None
        return await traffic.stop()

    async def emit(self, command: Command) -> None:
        await self._chosen(command).emit(command["event"], *unpack(command["args"]))

    async def call(self, command: Command) -> dict[str, Any]:
        answers = await self._chosen(command).call(
            command["event"], *unpack(command["args"]), timeout=command["timeout"]
        )
        values = [*answers.values.values(), *answers.unnamed]
        return {"values": values, "complete": answers.is_complete}

    async def fetch(self, command: Command) -> list[dict[str, Any]]:
        return [describe(socket) for socket in await self._chosen(command).fetch_sockets()]

    async def join(self, command: Command) -> None:
        await self._chosen(command).sockets_join(command["names"])

    async def leave(self, command: Command) -> None:
        await self._chosen(command).sockets_leave(command["names"])

    async def disconnectSockets(self, command: Command) -> None:  # noqa: N802  # the command's name
        await self._chosen(command).disconnect_sockets(command["close"])

    async def tell(self, command: Command) -> None:
        namespace = self._hosts[command["client"]].io.of(command["nsp"])
        await namespace.server_side_emit("told", *unpack(command["args"]))

    async def ask(self, command: Command) -> dict[str, Any]:
        namespace = self._hosts[command["client"]].io.of(command["nsp"])
        return await collected(namespace.server_side_call("asked", *unpack(command["args"]), timeout=2.0))

    async def remote(self, command: Command) -> Any:
        namespace = self._hosts[command["client"]].io.of(command["nsp"])
        (socket,) = await namespace.to(command["socket"]).fetch_sockets()
        args = unpack(command["args"])
        match command["action"]:
            case "emit":
                await socket.emit("ev", *args)
            case "call":
                with trio.move_on_after(
                    command["timeout"]
                ):  # a socket of this server has no limit of its own
                    return {"values": await socket.call("ask", *args), "complete": True}
                return {"values": [], "complete": False}
            case action:
                getattr(socket, action)(*args)
        return None

    async def setData(self, command: Command) -> None:  # noqa: N802  # the command's name
        socket = self._hosts[command["client"]].io.of(command["nsp"]).sockets[command["socket"]]
        socket.data.update(unpack(command["data"]))

    async def openEmitter(self, command: Command) -> None:  # noqa: N802  # the command's name
        words = [command[name] for name in ("adapter", "redis", "prefix")]
        self._emitters[command["client"]] = make_emitter(*words)

    async def emitterDo(self, command: Command) -> None:  # noqa: N802  # the command's name
        emitter = self._emitters[command["client"]].of(command["nsp"])
        args = unpack(command["args"])
        if command["action"] == "tell":
            emitter.server_side_emit("told", *args)
            return
        names = {"join": "sockets_join", "leave": "sockets_leave"}
        operator = chosen(emitter, command)
        if command["action"] == "disconnectSockets":
            operator.disconnect_sockets(close=args[0])
            return
        getattr(operator, names.get(command["action"], command["action"]))(*args)

    async def reset(self, command: Command) -> None:
        """The servers stay for the next test."""

    async def obey(self, command: Command) -> None:
        try:
            result = await getattr(self, command["do"])(command)
            say({"id": command["id"], "result": pack(result)})
        except Exception as error:
            say({"id": command["id"], "error": f"{type(error).__name__}: {error}"})


async def main() -> None:
    """Obey commands until there are no more."""
    rest = b""
    async with trio.open_nursery() as nursery:
        commands = Commands(nursery)
        async for chunk in trio.lowlevel.FdStream(os.dup(0)):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                nursery.start_soon(commands.obey, json.loads(line))
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main)
