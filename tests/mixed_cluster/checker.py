"""Checks what clients have received of the traffic of their cluster, with a fault in the middle."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from mixed_cluster.nodes import ServerNode
from mixed_cluster.team import Member, Team

#: Seconds of traffic before the fault, after it, and of the shortest one.
AROUND, SHORT = 0.2, 1.0

#: How long before a fault a message may have been emitted that is lost with it: it may wait in a queue or be under way.
UNDER_WAY = 0.25

#: How long a client may wait for the next message of its own server, in seconds, whatever happens to Redis.
LONGEST_PAUSE = 1.0


@dataclass
class Outage:
    """When the fault began, and when all servers were connected again."""

    began: float = 0.0
    ended: float = 0.0


@dataclass
class Seen:
    """What a client has received: the numbers of each server, and the longest pause of its own server's."""

    numbers: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    longest_pause: float = 0.0


class Checker:
    """Knows what each client must and may have received.

    Servers of Node may lose what they emit in an outage, deliver it late, and stop delivering to their own clients.

    Attributes:
        lost: for each pair of a sending and a receiving server, the numbers that did not arrive.
        sent: by server, when each number was emitted.
    """

    def __init__(self, team: Team) -> None:
        self._team = team
        self._names = {server.name for server in team.servers}
        self._seen = {member.id: Seen() for member in team.members}
        self._outage = Outage()
        self.lost: dict[tuple[str, str], set[int]] = {}
        self.sent: Mapping[str, list[float]] = {}

    async def _take(self, member: Member) -> str | None:
        """Take the next event of a client; returns the server that has sent it, or None for an event of others."""
        args = await member.client.event("ev")
        if len(args) != 2 or args[0] not in self._names:
            return None
        server, number = args
        self._seen[member.id].numbers[server].append(number)
        return str(server)

    async def local_traffic(self, seconds: float) -> None:
        """Take what clients receive until this time has passed, and their own servers have always gone on."""
        async with trio.open_nursery() as nursery:
            for member in self._team.members:
                if not member.server.is_ours:
                    continue
                nursery.start_soon(self._local_traffic, member, time.monotonic() + seconds)

    async def _local_traffic(self, member: Member, until: float) -> None:
        seen = self._seen[member.id]
        last = time.monotonic()
        while last < until:
            if await self._take(member) == member.server.name:
                now = time.monotonic()
                seen.longest_pause = max(seen.longest_pause, now - last)
                last = now

    def forgive_pauses(self, server: ServerNode) -> None:
        """Allow pauses of a server whose process was stopped."""
        for member in self._team.members:
            if member.server is server:
                self._seen[member.id].longest_pause = 0.0

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        """The fault is in this context; then this waits until every server reaches every client."""
        self._outage.began = time.monotonic()
        yield
        await recovered(self._team)
        self._outage.ended = time.monotonic()

    async def finish(self) -> None:
        """Stop the traffic, and take the rest of it."""
        self.sent = {server.name: await server.stop_traffic() for server in self._team.servers}
        for server in self._team.servers:
            for received, member in zip(await self._team.received(server), self._team.members, strict=True):
                for args in received:
                    if len(args) == 2 and args[0] in self.sent:
                        self._seen[member.id].numbers[args[0]].append(args[1])

    def check(self, *, nothing_is_lost: bool = False) -> None:
        """Fail if something wrong, doubled or out of order arrived, or if something is lost outside the outage."""
        for member in self._team.members:
            seen = self._seen[member.id]
            assert seen.longest_pause < LONGEST_PAUSE
            assert seen.numbers.keys() <= self.sent.keys()
            for sender, times in self.sent.items():
                self._check_pair(sender, times, member)
        if nothing_is_lost:
            assert not any(self.lost.values()), {pair: len(lost) for pair, lost in self.lost.items()}

    def _check_pair(self, sender: str, times: list[float], member: Member) -> None:
        numbers = self._seen[member.id].numbers[sender]
        assert numbers == sorted(set(numbers)), f"{member.server} has {sender}'s doubled or out of order"
        assert not numbers or numbers[-1] < len(times)
        lost = set(range(len(times))) - set(numbers)
        self.lost[sender, member.server.name] = lost
        if sender == member.server.name and member.server.is_ours:
            assert not lost, f"a local client of {sender} misses {len(lost)}"
        outside = [
            number
            for number in lost
            if not self._outage.began - UNDER_WAY <= times[number] <= self._outage.ended
        ]
        assert not outside, f"{member.server} misses {len(outside)} of {sender} outside the outage"


async def recovered(team: Team) -> None:
    """Wait until every server reaches every client, and their adapters say so."""
    for server in team.servers:
        await server.settled()
    for server in team.servers:
        await team.warm(server)
    for server in team.servers:
        assert not server.is_ours or (await server.health())["state"] == "up"


async def check_that_all_works(team: Team) -> None:
    """After a fault: rooms of all servers, requests, acknowledgements, and events between servers."""
    for member in team.members:
        await member.client.answer("ask", member.id)
    for server in team.servers:
        await team.until_chosen(server, team.choose(), *team.ids)
        await server.emit(team.choose("room"), "ev", "to the room")
        for received in await team.received(server):
            assert ["to the room"] in received
        answers = await server.call(team.choose(), "ask", timeout=5.0)
        assert (sorted(answers.values), answers.complete) == (sorted(team.ids), True)
        asked = await server.ask_servers("/", "still there?")
        assert len(asked.values) == len(team.servers) - 1
        assert asked.complete


def accounts(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """Return how much the counters of a server have grown."""
    names = ("queued_packets", "published", "received", "dropped", "unconfirmed", "gaps")
    return {name: after[name] - before[name] for name in names}
