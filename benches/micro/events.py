"""Times an event from the parsed frame to the queued answer, by the kind of its handler."""

from __future__ import annotations

import time
from typing import Any

import trio
import trio.testing

from micro.measure import REPETITIONS, Answer, tell
from micro.sink import link_of, open_session
from trio_socketio import Server, Socket
from trio_socketio.engineio import Session

PAYLOAD = b"x" * 64
EVENTS = 800
BATCH = 8

QUESTIONS = (
    (
        "event-ack",
        "What does an event cost that a plain def answers by its acknowledgement?",
        b'21["ack","%b"]',
        1,
    ),
    ("event-emit", "And one that it answers with an event?", b'2["echo","%b"]', 1),
    (
        "event-async",
        "And one that an async def answers with an event, 8 of them to a turn of the loop?",
        b'2["aecho","%b"]',
        BATCH,
    ),
)


def application() -> Server:
    """Return a server with three handlers that send their argument back."""
    io = Server()

    @io.on("ack")
    def ack(socket: Socket, payload: Any) -> Any:
        return payload

    @io.on("echo")
    def echo(socket: Socket, payload: Any) -> None:
        socket.emit_nowait("echo", payload)

    @io.on("aecho")
    async def async_echo(socket: Socket, payload: Any) -> None:
        await socket.emit("echo", payload)

    return io


async def time_events(session: Session, text: bytes, batch: int) -> list[float]:
    """Pass one event to the session many times. Return the nanoseconds for one event, by repetition.

    Raises:
        RuntimeError: an event was not answered.
    """
    hand_over, link, now = session.observer.text, link_of(session), trio.current_time()
    times = []
    for _ in range(REPETITIONS):
        answered = link.pushed
        start = time.perf_counter_ns()
        if batch == 1:  # plain functions answer at once, without other tasks
            for _ in range(EVENTS):
                hand_over(text, now)
        else:
            for _ in range(EVENTS // batch):
                for _ in range(batch):
                    hand_over(text, now)
                await trio.lowlevel.checkpoint()
        times.append((time.perf_counter_ns() - start) / EVENTS)
        await trio.testing.wait_all_tasks_blocked()
        if link.pushed != answered + EVENTS:
            raise RuntimeError(f"{link.pushed - answered} of {EVENTS} events were answered")
    return times


async def main() -> None:
    """Print all answers."""
    async with application() as io:
        session = open_session(io)
        await trio.testing.wait_all_tasks_blocked()
        for name, question, text, batch in QUESTIONS:
            tell(Answer.of(name, "event", question, await time_events(session, text % PAYLOAD, batch)))


if __name__ == "__main__":
    trio.run(main)
