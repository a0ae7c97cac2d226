"""Real clients, driven from Trio: ``runner.js`` in a Node process, and ``python_runner.py`` likewise."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import trio

from clients.combinations import Combination
from clients.server import (
    DEADLINE,
    Mailbox,
    arrivals,
    connections,
    disconnections,
    make_server,
    serving,
)
from trio_socketio import Server, Socket

HERE = Path(__file__).parent
PACKAGES = {
    "socket.io-client-1": "npm:socket.io-client@1.7.4",
    "socket.io-client-2": "npm:socket.io-client@2.5.0",
    "socket.io-client-3": "npm:socket.io-client@3.1.3",
    "socket.io-client-4": "npm:socket.io-client@4.8.3",
}
ENGINE_PACKAGES = {
    "engine.io-client-3": "npm:engine.io-client@3.5.6",
    "engine.io-client-6": "npm:engine.io-client@6.6.8",
}
PYTHON_PACKAGES = {
    "python 4": ["python-socketio[client]==4.6.1", "python-engineio==3.14.2"],
    "python 5": ["python-socketio[client]==5.18.0"],
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
    """Convert the runner's JSON to values."""
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


class Runner:
    """A process for many tests, one after the other: to start one for each would take longer than most of them.

    Args:
        command: the program and its arguments.
        environment: its environment, with what is needed besides.
    """

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._command = command
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None
        #: how many commands were given, by all tests
        self.asked = 0
        #: what was read of a line that is not complete
        self.rest = b""

    def process(self) -> subprocess.Popen[bytes]:
        """The process; a new one if there is none, or none any more."""
        if self._process is None:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._environment
            )
            self.rest = b""
        return self._process

    def end(self) -> None:
        """Let the process end in its own time, as it does with its standard input, if that is not too long."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(DEADLINE)
            self.kill()

    def kill(self) -> None:
        """End the process."""
        if self._process is not None:
            with self._process:  # closes its pipes
                self._process.kill()
            self._process = None


class Node:
    """A process and the clients in it, for one test; see ``open_node``."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._process = process = runner.process()
        assert process.stdin is not None and process.stdout is not None
        self._stdin = trio.lowlevel.FdStream(os.dup(process.stdin.fileno()))
        self._stdout = trio.lowlevel.FdStream(os.dup(process.stdout.fileno()))
        self._writing = trio.Lock()
        self._replies: dict[int, Mailbox[dict[str, Any]]] = {}
        self._clients: dict[str, Remote] = {}

    def client(self, combination: Combination) -> JsClient:
        """A new client, not connected yet."""
        return self.make(JsClient, combination)

    def make(self, kind: type[C], combination: Combination) -> C:
        """A new client of a certain kind, not connected yet."""
        return self.adopt(kind(self, f"client {len(self._clients)}", combination))

    def adopt(self, remote: R) -> R:
        """Pass on to this object what the runner says of its name."""
        self._clients[remote.name] = remote
        return remote

    async def ask(self, do: str, client: Remote, **arguments: Any) -> Any:
        """Give the runner a command and return what it says.

        Raises:
            JsError: the command failed.
        """
        return await self._ask(do, {"client": client.name, **pack(arguments)})

    async def _ask(self, do: str, arguments: dict[str, Any]) -> Any:
        self._runner.asked += 1
        number = self._runner.asked
        reply = self._replies[number] = Mailbox()
        async with self._writing:
            await self._stdin.send_all(json.dumps({"id": number, "do": do, **arguments}).encode() + b"\n")
        answer = await reply.get()
        if "error" in answer:
            raise JsError(answer["error"])
        return unpack(answer["result"])

    async def listen(self) -> None:
        """Pass on what the runner says, until it ends."""
        async for chunk in self._stdout:
            *lines, self._runner.rest = (self._runner.rest + chunk).split(b"\n")
            for line in lines:
                said = json.loads(line)
                if "client" in said:
                    if said["client"] in self._clients:  # a server of another test may tell of something late
                        self._clients[said["client"]].seen[said["event"]].put(unpack(said["args"]))
                elif said["id"] in self._replies:  # a command of another test may be answered late
                    self._replies.pop(said["id"]).put(said)

    async def reset(self) -> bool:
        """Drop all clients; they send no more events. Return False if the process does not answer."""
        try:
            await self._ask("reset", {})
        except (trio.TooSlowError, trio.BrokenResourceError):
            return False
        return True

    async def let_go(self) -> None:
        for stream in (self._stdin, self._stdout):
            await trio.aclose_forcefully(stream)

    def pause(self) -> None:
        """Stop the process at once: its sockets stay open, and it does not read them."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        self._runner.kill()
        await trio.lowlevel.checkpoint()


@asynccontextmanager
async def open_node(runner: Runner) -> AsyncIterator[Node]:
    """Have the clients of a process for a test, and the process itself, which may be killed."""
    node = Node(runner)
    is_clean = False
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(node.listen)
            yield node
            is_clean = await node.reset()
            nursery.cancel_scope.cancel()
    finally:
        await node.let_go()
        if not is_clean:
            runner.kill()


class Remote:
    """An object in a runner's process that tells of events.

    Attributes:
        seen: by name, the arguments of what it received.
    """

    def __init__(self, node: Node, name: str) -> None:
        self.node = node
        self.name = name
        self.seen: defaultdict[str, Mailbox[list[Any]]] = defaultdict(Mailbox)

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


class AnyClient(Remote):
    """One client, in JavaScript or Python."""

    def __init__(self, node: Node, name: str, combination: Combination) -> None:
        super().__init__(node, name)
        self.combination = combination

    async def upgraded(self) -> None:
        """Wait until the client is on the transport where it stays."""
        if self.combination.transport == "upgrade":
            await self.event("upgrade")

    async def state(self) -> dict[str, Any]:
        """What it says of itself; its ``transport`` among that."""
        state: dict[str, Any] = await self.node.ask("state", self)
        return state


C = TypeVar("C", bound=AnyClient)
R = TypeVar("R", bound=Remote)


class JsClient(AnyClient):
    """One client socket.

    Of its own it sees "connect", "disconnect" and "connect_error", and of its connection "upgrade", "reconnect", "ping"
    and "close".
    """

    async def start(self, url: str, nsp: str = "/", **opts: Any) -> None:
        """Begin to connect.

        Args:
            url: the server's.
            nsp: the namespace.
            **opts: the client's options, by their JavaScript names. It does not reconnect unless told to.
        """
        opts = {**self.combination.options, "forceNew": True, "reconnection": False, **opts}
        await self.node.ask("connect", self, version=self.combination.version, url=url + nsp, opts=opts)

    async def connect(self, url: str, nsp: str = "/", **opts: Any) -> None:
        """Connect, and wait until the upgrade is done if there is one."""
        await self.start(url, nsp, **opts)
        await self.event("connect")
        await self.upgraded()

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

    async def again(self, auth: dict[str, Any] | None = None) -> None:
        """Begin to connect once more, after a refusal or a disconnect."""
        await self.node.ask("again", self, auth=auth or {})

    async def rejoin(self) -> None:
        """Leave the namespace and join it again in one turn of the event loop."""
        await self.node.ask("rejoin", self)

    async def refused(self) -> list[Any]:
        """Return what CONNECT_ERROR contains: a message and data in protocol 5, any value in protocol 4."""
        return await self.event("connect_error")

    def told(self, message: str, data: Any = None) -> list[Any]:
        """What ``refused`` should be, when a middleware refuses with these."""
        if self.combination.protocol == 5:
            return [message, data]
        return [message if data is None else data]

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


@dataclass(frozen=True, slots=True)
class Visit:
    """The one connected client, and the server's socket for it."""

    socket: Socket
    ends: Mailbox[tuple[str, str]]
    arrived: Mailbox[str]


@asynccontextmanager
async def visited_by(client: JsClient, io: Server | None = None) -> AsyncIterator[Visit]:
    """``async with visited_by(client) as visit:`` a server that runs, and this client on it."""
    io = io or make_server()
    sockets, ends, arrived = connections(io), disconnections(io), arrivals(io)
    async with serving(io) as url:
        await client.connect(url)
        yield Visit(await sockets.get(), ends, arrived)
