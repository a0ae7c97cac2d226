"""Real JavaScript clients, driven from Trio: ``runner.js`` in a Node process."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from clients.combinations import Combination
from clients.server import DEADLINE, Mailbox, arrivals, connections, disconnections, serving
from trio_socketio import Server, Socket

RUNNER = Path(__file__).with_name("runner.js")
PACKAGES = {
    "socket.io-client-1": "npm:socket.io-client@1.7.4",
    "socket.io-client-2": "npm:socket.io-client@2.5.0",
    "socket.io-client-3": "npm:socket.io-client@3.1.3",
    "socket.io-client-4": "npm:socket.io-client@4.8.3",
}


def pack(value: Any) -> Any:
    """JSON for the runner."""
    match value:
        case bytes():
            return {"$b": base64.b64encode(value).decode()}
        case dict():
            return {key: pack(inner) for key, inner in value.items()}
        case list() | tuple():
            return [pack(inner) for inner in value]
    return value


def unpack(value: Any) -> Any:
    """What the runner's JSON stands for."""
    match value:
        case {"$b": str(text), **rest} if not rest:
            return base64.b64decode(text)
        case dict():
            return {key: unpack(inner) for key, inner in value.items()}
        case list():
            return [unpack(inner) for inner in value]
    return value


class JsError(Exception):
    """What JavaScript threw, or gave as an error to a callback."""


class Node:
    """A Node process and the clients in it; see ``open_node``."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._writing = trio.Lock()
        self._replies: dict[int, Mailbox[dict[str, Any]]] = {}
        self._clients: dict[str, JsClient] = {}
        self._asked = 0

    def client(self, combination: Combination) -> JsClient:
        """A new client, not connected yet."""
        client = JsClient(self, f"client {len(self._clients)}", combination)
        self._clients[client.name] = client
        return client

    async def ask(self, do: str, client: JsClient, **arguments: Any) -> Any:
        """Give the runner a command and return what it says.

        Raises:
            JsError: the command failed.
        """
        self._asked += 1
        command = {"id": self._asked, "do": do, "client": client.name, **pack(arguments)}
        reply = self._replies[self._asked] = Mailbox()
        assert self._process.stdin is not None
        async with self._writing:
            await self._process.stdin.send_all(json.dumps(command).encode() + b"\n")
        answer = await reply.get()
        if "error" in answer:
            raise JsError(answer["error"])
        return unpack(answer["result"])

    async def listen(self) -> None:
        """Pass on what the runner says, until it ends."""
        assert self._process.stdout is not None
        rest = b""
        async for chunk in self._process.stdout:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                said = json.loads(line)
                if "client" in said:
                    self._clients[said["client"]].seen[said["event"]].put(unpack(said["args"]))
                else:
                    self._replies.pop(said["id"]).put(said)

    def pause(self) -> None:
        """Stop the process where it stands: its sockets stay open, nobody reads them."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def open_node(program: str, packages: Path) -> AsyncIterator[Node]:
    """Start a Node process that runs ``runner.js``.

    Args:
        program: the path of Node.
        packages: the folder in which npm installed ``PACKAGES``.
    """
    command = [program, str(RUNNER)]
    environment = {"NODE_PATH": str(packages / "node_modules")}
    process = await trio.lowlevel.open_process(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    node = Node(process)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(node.listen)
            yield node
            nursery.cancel_scope.cancel()
    finally:
        with trio.CancelScope(shield=True):
            await node.kill()
            assert process.stdio is not None
            await process.stdio.aclose()


class JsClient:
    """One client socket in JavaScript.

    Attributes:
        seen: by name, the arguments of what it received: events of the server, its own "connect", "disconnect" and
            "connect_error", and "upgrade", "reconnect", "ping" and "close" of its connection.
    """

    def __init__(self, node: Node, name: str, combination: Combination) -> None:
        self.node = node
        self.name = name
        self.combination = combination
        self.seen: defaultdict[str, Mailbox[list[Any]]] = defaultdict(Mailbox)

    async def start(self, url: str, nsp: str = "/", **opts: Any) -> None:
        """Begin to connect.

        Args:
            url: the server's.
            nsp: the namespace.
            **opts: the client's options, by their JavaScript names. It does not reconnect unless told to.
        """
        opts = {"transports": self.combination.transports, "forceNew": True, "reconnection": False, **opts}
        await self.node.ask("connect", self, version=self.combination.version, url=url + nsp, opts=opts)

    async def connect(self, url: str, nsp: str = "/", **opts: Any) -> None:
        """Connect, and wait until the upgrade is done if there is one."""
        await self.start(url, nsp, **opts)
        await self.event("connect")
        await self.upgraded()

    async def upgraded(self) -> None:
        """Wait until the client is on the transport where it stays."""
        if self.combination.transport == "upgrade":
            await self.event("upgrade")

    async def at_rest(self, arrived: Mailbox[str]) -> None:
        """Wait until nothing is under way, and one of its requests waits at the server if it polls.

        It polls again before it can be told to emit, and the server does not answer this event; so the poll is there
        when the event is.

        Args:
            arrived: the server's ``arrivals``.
        """
        await self.emit("here")
        await arrived.get()

    async def of(self, nsp: str, **opts: Any) -> JsClient:
        """Begin to connect to another namespace on the same connection."""
        other = self.node.client(self.combination)
        await self.node.ask("of", other, on=self.name, nsp=nsp, opts=opts)
        return other

    async def again(self, auth: dict[str, Any]) -> None:
        """Begin to connect once more, after a refusal or a disconnect."""
        await self.node.ask("again", self, auth=auth)

    async def emit(self, event: str, *args: Any, volatile: bool = False) -> None:
        await self.node.ask("emit", self, event=event, args=args, volatile=volatile)

    async def call(self, event: str, *args: Any, timeout: float | None = None) -> Any:
        """Emit an event and return the values of its acknowledgement, a list.

        Args:
            event: its name.
            *args: JSON values, and ``bytes``.
            timeout: the client's own time limit in seconds; only from version 4 on.

        Raises:
            JsError: the client's time limit has passed.
        """
        milliseconds = None if timeout is None else timeout * 1000
        return await self.node.ask("call", self, event=event, args=args, timeout=milliseconds)

    async def answer(self, event: str, *values: Any) -> None:
        """Acknowledge this event with these values from now on; without this the client never does."""
        await self.node.ask("answer", self, event=event, args=values)

    async def disconnect(self) -> None:
        await self.node.ask("disconnect", self)

    async def hang_up(self) -> None:
        """End the Engine.IO session below."""
        await self.node.ask("hangUp", self)

    async def state(self) -> dict[str, Any]:
        """``connected``, ``id``, the ``session`` id and the ``transport``."""
        state: dict[str, Any] = await self.node.ask("state", self)
        return state

    async def event(self, name: str) -> list[Any]:
        """The arguments of the next event of this name."""
        return await self.seen[name].get()

    async def events(self, name: str, count: int) -> list[list[Any]]:
        """The arguments of the next events of this name, all within the deadline."""
        with trio.fail_after(DEADLINE):
            return [await self.event(name) for _ in range(count)]

    def pending(self, name: str) -> int:
        """How many events of this name came and were not looked at."""
        return len(self.seen[name])


@dataclass(frozen=True, slots=True)
class Visit:
    """A client that is connected, and nobody else, as the server sees it."""

    socket: Socket
    ends: Mailbox[tuple[str, str]]
    arrived: Mailbox[str]


@asynccontextmanager
async def visited_by(client: JsClient, io: Server | None = None) -> AsyncIterator[Visit]:
    """``async with visited_by(client) as visit:`` a server that runs, and this client on it."""
    io = io or Server()
    sockets, ends, arrived = connections(io), disconnections(io), arrivals(io)
    async with serving(io) as url:
        await client.connect(url)
        yield Visit(await sockets.get(), ends, arrived)
