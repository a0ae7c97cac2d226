"""Helpers for the compiled connection: set its limits, collect its events, and cut its input into pieces."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any

from support.oracle import Verdict
from trio_socketio._core import CloseFrame, Connection, Failure, OutboxPolicy, PayloadReader, TimerWheel

#: A size for ``take`` that is larger than any output.
ALL = 1 << 30


def connection(wheel: TimerWheel | None = None, **limits: Any) -> Connection:
    defaults = {
        "max_message_bytes": 1_000_000,
        "max_fragments": 4096,
        "max_packets": 1024,
        "max_bytes": 1 << 20,
        "policy": OutboxPolicy.DISCONNECT,
    }
    wheel = TimerWheel(0.0) if wheel is None else wheel
    return Connection(wheel, **(defaults | limits))


def split_payload(body: bytes) -> tuple[list[str | bytes], Failure | None]:
    """Return the packets of a payload of revision 4 before the first malformed one, and its error or None."""
    reader = PayloadReader(body)
    return list(reader), reader.failure


def split_payload3(body: bytes, binary: bool = False) -> tuple[list[str | bytes], Failure | None]:
    """Return the same for a payload of revision 3."""
    reader = PayloadReader(body, 3, binary)
    return list(reader), reader.failure


def events(link: Connection, now: float = 0.0) -> Iterator[str | bytes | CloseFrame | Failure]:
    """Yield the events of a connection for the bytes it was fed, up to the first failure."""
    while (event := link.next_event(now)) is not None:
        yield event
        if isinstance(event, Failure):
            return


def read(link: Connection, pieces: Iterable[bytes]) -> Verdict:
    """Feed the pieces one after the other. Return the result in the form of the oracle."""
    verdict = Verdict([])
    for piece in pieces:
        link.feed(piece)
        for event in events(link):
            if isinstance(event, Failure):
                verdict.failed = event.close_code
            elif isinstance(event, CloseFrame):
                verdict.close = tuple(event)
            else:
                verdict.messages.append(event)
    return verdict


def cut(data: bytes, seed: int) -> list[bytes]:
    """Cut the data into random pieces, some of which are empty."""
    places = random.Random(seed)
    points = sorted(places.randrange(len(data) + 1) for _ in range(places.randrange(12)))
    return [data[a:b] for a, b in zip([0, *points], [*points, len(data)], strict=True)]


def every_way(data: bytes, seeds: Iterable[int] = range(3)) -> Iterator[list[bytes]]:
    """Yield the data as a whole, byte by byte, and in random pieces."""
    yield [data]
    yield [data[at : at + 1] for at in range(len(data))]
    for seed in seeds:
        yield cut(data, seed)
