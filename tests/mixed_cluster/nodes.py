"""Servers and emitters of a cluster in other processes, as tests see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clients.harness import Node, Remote

NODE_PACKAGES = {
    "socket.io": "4.8.4",
    "@socket.io/redis-adapter": "8.3.0",
    "@socket.io/redis-streams-adapter": "0.3.1",
    "@socket.io/redis-emitter": "5.1.0",
    "redis": "6.3.1",
}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A choice of clients.

    Attributes:
        nsp: the namespace.
        rooms: clients in one of them; None: all clients. Only Node's servers take numbers.
        without: none of the clients in one of these rooms.
        flags: of "volatile", "local" and "uncompressed".
    """

    nsp: str = "/"
    rooms: tuple[str | float, ...] | None = None
    without: tuple[str | float, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def words(self) -> dict[str, Any]:
        """The parts of a command that say this."""
        return {"nsp": self.nsp, "rooms": self.rooms, "except": self.without, "flags": self.flags}


@dataclass(frozen=True)
class Collected:
    """What others have answered, in no order, and whether that is all."""

    values: list[Any]
    complete: bool

    @classmethod
    def of(cls, said: dict[str, Any]) -> Collected:
        return cls(said["values"], said["complete"])


class ServerNode(Remote):
    """A server.

    It sees "told", with what other servers have sent it, and "gone", with the id of a socket that has disconnected.
    """

    def __init__(self, node: Node, name: str, port: int) -> None:
        super().__init__(node, name)
        self.port = port

    def __repr__(self) -> str:
        return self.name

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_ours(self) -> bool:
        return self.name.startswith("ours")

    async def settled(self) -> None:
        """Wait until all its subscriptions so far are in force."""
        await self.node.ask("settled", self)

    async def emit(self, choice: Choice, event: str, *args: Any) -> None:
        await self.node.ask("emit", self, **choice.words, event=event, args=args)

    async def call(self, choice: Choice, event: str, *args: Any, timeout: float) -> Collected:
        """Emit an event and collect the acknowledgements for ``timeout`` seconds."""
        said = await self.node.ask("call", self, **choice.words, event=event, args=args, timeout=timeout)
        return Collected.of(said)

    async def fetch(self, choice: Choice) -> dict[str, dict[str, Any]]:
        """Describe the chosen sockets of all servers, by their ids."""
        found = await self.node.ask("fetch", self, **choice.words)
        sockets = {socket["id"]: socket for socket in found}
        assert len(sockets) == len(found)
        return sockets

    async def all_rooms(self, nsp: str) -> list[str]:
        """The names of the rooms of all servers; only of servers of Node with the classic adapter."""
        rooms: list[str] = await self.node.ask("allRooms", self, nsp=nsp)
        return rooms

    async def join(self, choice: Choice, *rooms: str | float) -> None:
        await self.node.ask("join", self, **choice.words, names=rooms)

    async def leave(self, choice: Choice, *rooms: str | float) -> None:
        await self.node.ask("leave", self, **choice.words, names=rooms)

    async def disconnect_sockets(self, choice: Choice, close: bool) -> None:
        await self.node.ask("disconnectSockets", self, **choice.words, close=close)

    async def tell(self, nsp: str, *args: Any) -> None:
        """Send an event to the other servers."""
        await self.node.ask("tell", self, nsp=nsp, args=args)

    async def ask_servers(self, nsp: str, *args: Any) -> Collected:
        """Ask the other servers. Each answers with its name and the arguments, except for the argument "silence"."""
        return Collected.of(await self.node.ask("ask", self, nsp=nsp, args=args))

    async def remote(self, nsp: str, socket_id: str, action: str, *args: Any, timeout: float = 0) -> Any:
        """Fetch one socket, and let it do something: "emit", "call", "join", "leave" or "disconnect".

        It emits the event "ev", and calls the event "ask".
        """
        words = {"nsp": nsp, "socket": socket_id, "action": action, "args": args, "timeout": timeout}
        return await self.node.ask("remote", self, **words)

    async def set_data(self, nsp: str, socket_id: str, data: dict[str, Any]) -> None:
        await self.node.ask("setData", self, nsp=nsp, socket=socket_id, data=data)

    async def health(self) -> dict[str, Any]:
        """The counters of the adapter; only of servers of ours."""
        health: dict[str, Any] = await self.node.ask("health", self)
        return health

    async def start_traffic(self, interval: float = 0.005, *, waits: bool = True) -> None:
        """Let it emit "ev" with its name and a number to all clients, every ``interval`` seconds.

        Only ours can wait for room in the queue.
        """
        await self.node.ask("startTraffic", self, interval=interval, waits=waits)

    async def stop_traffic(self) -> list[float]:
        """Stop this; returns when each number was emitted."""
        times: list[float] = await self.node.ask("stopTraffic", self)
        return times

    async def close(self) -> None:
        """Stop the server."""
        await self.node.ask("close", self)


class EmitterNode(Remote):
    """An emitter without a server."""

    async def emit(self, choice: Choice, event: str, *args: Any) -> None:
        await self._do("emit", choice, event, *args)

    async def join(self, choice: Choice, *rooms: str) -> None:
        await self._do("join", choice, *rooms)

    async def leave(self, choice: Choice, *rooms: str) -> None:
        await self._do("leave", choice, *rooms)

    async def disconnect_sockets(self, choice: Choice, close: bool) -> None:
        await self._do("disconnectSockets", choice, close)

    async def tell(self, nsp: str, *args: Any) -> None:
        """Send an event to the servers."""
        await self._do("tell", Choice(nsp=nsp), *args)

    async def _do(self, action: str, choice: Choice, *args: Any) -> None:
        await self.node.ask("emitterDo", self, **choice.words, action=action, args=args)
