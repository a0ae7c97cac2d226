"""A cluster with a client on each server."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import trio
from clients.combinations import Combination
from clients.harness import JsClient, Node
from clients.server import DEADLINE

from mixed_cluster.nodes import Choice, EmitterNode, ServerNode

WEBSOCKET = Combination("4", "websocket")
OLD_WEBSOCKET = Combination("2", "websocket")

_fences = count()


@dataclass(frozen=True)
class Member:
    """A client, and where it is connected."""

    client: JsClient
    id: str
    server: ServerNode


class Team:
    """The servers of a cluster, and a client on each. The clients receive the event "ev".

    Attributes:
        adapter: "classic", "sharded" or "streams".
        servers: the servers.
        emitters: the emitters.
        nsp: the namespace of the clients.
        members: the clients, in the order of the servers. A test may remove those that it disconnects.
        passed: the kinds of senders with which the test has come to its end.
    """

    def __init__(
        self,
        adapter: str,
        servers: Sequence[ServerNode],
        emitters: Sequence[EmitterNode],
        nsp: str = "/",
        senders: Collection[str] = ("ours", "node"),
    ) -> None:
        self.adapter, self.servers, self.emitters, self.nsp = adapter, servers, emitters, nsp
        self._senders = senders
        self.members: list[Member] = []
        self._connected: list[Member] = []
        self.passed: list[str] = []

    async def connect(self, node: Node, *, warm: bool = True, are_old: bool = False) -> None:
        """Connect a client to each server, and wait until every server reaches all of them, if ``warm``.

        If ``are_old``, the clients of our servers speak Engine.IO revision 3 and Socket.IO protocol 4.
        """
        for server in self.servers:
            client = node.client(OLD_WEBSOCKET if are_old and server.is_ours else WEBSOCKET)
            await client.start(server.url, self.nsp)
            (socket_id,) = await client.event("connect")
            self.members.append(Member(client, socket_id, server))
        self._connected = [*self.members]
        for server in self.servers if warm else ():
            await self.warm(server)

    async def warm(self, sender: ServerNode | EmitterNode, *flags: str) -> None:
        """Emit until each client has received it.

        A server that was just started may not read its stream yet, and a volatile event is dropped while others are
        being written.
        """
        token = f"warm {next(_fences)}"
        waiting = [member.client for member in self.members]
        with trio.fail_after(DEADLINE):
            while waiting:
                await sender.emit(self.choose(flags=flags), "warm", token)
                with trio.move_on_after(0.5):
                    while waiting:
                        if await waiting[0].event("warm") == [token]:
                            waiting.pop(0)

    async def disconnect(self) -> None:
        """Disconnect all clients, and wait until the servers know."""
        for server in self.servers:
            ids = set()
            for member in self._connected:
                if member.server is server:
                    await member.client.disconnect()
                    ids.add(member.id)
            while ids:
                (gone,) = await server.event("gone")
                ids.discard(gone)

    def choose(
        self, *rooms: str | float, without: Iterable[str | float] = (), flags: Iterable[str] = ()
    ) -> Choice:
        """Choose clients in rooms; without rooms: all."""
        return Choice(nsp=self.nsp, rooms=rooms or None, without=tuple(without), flags=tuple(flags))

    def each_sender(self) -> Iterator[ServerNode]:
        """Yield one server of each kind, for what a test does with both. What has worked is noted for the matrix."""
        kinds = {"ours" if server.is_ours else "node": server for server in reversed(self.servers)}
        for kind, sender in kinds.items():
            if kind in self._senders:
                yield sender
                self.passed.append(kind)

    def each_emitter(self) -> Iterator[EmitterNode]:
        """Yield all emitters, as ``each_sender``."""
        for emitter in self.emitters:
            yield emitter
            self.passed.append(emitter.name.split()[0])

    @property
    def ids(self) -> list[str]:
        return [member.id for member in self.members]

    async def join(self, *rooms_of_each: Sequence[str]) -> None:
        """Put each client into rooms, and wait until the subscriptions that may follow are in force."""
        for member, rooms in zip(self.members, rooms_of_each, strict=False):
            await member.client.call("join", *rooms)
        for server in self.servers:
            await server.settled()

    async def until_chosen(self, sender: ServerNode, choice: Choice, *ids: str) -> None:
        """Wait until the servers find exactly these sockets. Node's change rooms of their own a little later.

        Each attempt waits for the answers of all servers.
        """
        with trio.fail_after(DEADLINE):
            while (await sender.fetch(choice)).keys() != set(ids):
                pass

    async def received(self, sender: ServerNode | EmitterNode) -> list[list[list[Any]]]:
        """Return the arguments of what each client has received, before an event that the sender now emits to all."""
        fence = ["fence", next(_fences)]
        await sender.emit(self.choose(), "ev", *fence)
        return [await self._until(member, fence) for member in self.members]

    async def _until(self, member: Member, fence: list[Any]) -> list[list[Any]]:
        before = []
        while (args := await member.client.event("ev")) != fence:
            before.append(args)
        return before
