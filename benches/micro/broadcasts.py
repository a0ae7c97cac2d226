"""Times a broadcast from ``io.emit`` to the outboxes of all members. The sessions' output is discarded."""

from __future__ import annotations

import time

import trio
import trio.testing

from micro.measure import REPETITIONS, Answer, tell
from micro.sink import Sink, link_of, open_session
from trio_socketio import Server

PAYLOAD = "x" * 64

#: An interval in seconds so long that no heartbeat is due during the run.
HOUR = 3_600.0

#: How many members a broadcast has, and how many broadcasts a repetition times. After each repetition, the outboxes are
#: emptied, which is not timed.
SIZES = ((100, 16), (1_000, 4))


class Quiet(Sink):
    """A sink whose output is taken only by ``flush``."""

    __slots__ = ()

    def wake(self) -> None:
        """Do nothing."""


async def time_broadcasts(members: int, number: int) -> list[float]:
    """Send broadcasts to this many members. Return the nanoseconds for one broadcast, by repetition.

    Raises:
        RuntimeError: a member has not received each broadcast.
    """
    times = []
    async with Server(ping_interval=HOUR) as io:
        sinks = [Quiet() for _ in range(members)]
        links = [link_of(open_session(io, sink)) for sink in sinks]
        await trio.testing.wait_all_tasks_blocked()
        for _ in range(REPETITIONS):
            before = sum(link.pushed for link in links)
            start = time.perf_counter_ns()
            for _ in range(number):
                await io.emit("chat", PAYLOAD)
            times.append((time.perf_counter_ns() - start) / number)
            sent = sum(link.pushed for link in links) - before
            if sent != members * number:
                raise RuntimeError(f"{sent} of {members * number} messages were queued")
            for sink in sinks:
                sink.flush()
    return times


async def main() -> None:
    """Print all answers."""
    for members, number in SIZES:
        question = f"What does io.emit to {members:,} members cost, until the message is in each outbox?"
        tell(Answer.of(f"broadcast-{members}", "broadcast", question, await time_broadcasts(members, number)))


if __name__ == "__main__":
    trio.run(main)
