"""The performance goals of the project, and whether a run reached them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from harness.figures import Spread
from harness.results import Record
from harness.scenarios import CPU, CPU_CLIENT, ECHO_P99, LAST, MEMORY, PYTHON, RATE, Metric

Verdict = Literal["reached", "within the spread", "missed", "not measured"]


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal for the ratio of two figures, or for one figure.

    Attributes:
        text: the goal in words.
        metric: the figure that is compared.
        factor: the goal: the ratio or figure must be at least this if a higher figure is better, else at most.
        ours: the case and server of the dividend.
        against: the case and server of the divisor. Of several, the best counts. Without one, the figure itself counts.
    """

    text: str
    metric: Metric
    factor: float
    ours: tuple[str, str]
    against: tuple[tuple[str, str], ...]

    def judge(self, record: Record) -> tuple[Verdict, Spread | None]:
        """Return whether a run reached the goal, and the ratio or figure."""
        if not self.against:
            figure = record.spread(*self.ours, self.metric.key)
            judged = verdict(figure, self.factor, higher=self.metric.higher) if figure else "not measured"
            return judged, figure
        found = [record.ratio(self.ours, other, self.metric.key) for other in self.against]
        known = [ratio for ratio in found if ratio is not None]
        if not known or len(known) < len([other for other in self.against if other[1] not in record.missing]):
            return "not measured", None
        pick = min if self.metric.higher else max
        hardest = pick(known, key=lambda ratio: ratio.median)
        return verdict(hardest, self.factor, higher=self.metric.higher), hardest


def verdict(ratio: Spread, factor: float, *, higher: bool) -> Verdict:
    """Compare a ratio with its goal: "reached" by its median, "within the spread" by its best round, else "missed"."""
    sign = 1 if higher else -1
    best = ratio.high if higher else ratio.low
    if sign * ratio.median >= sign * factor:
        return "reached"
    return "within the spread" if sign * best >= sign * factor else "missed"


def _goals() -> Iterator[Goal]:
    case = "broadcast-1000-16"
    for server, factor in (("node", 15.0), ("bun", 12.0), ("limit-coalesced", 0.95)):
        yield Goal("Broadcast to 1000, 16 in flight", RATE, factor, (case, "ours"), ((case, server),))
    case = "broadcast-1000-1"
    for server, factor in (("node", 0.7), ("limit-send", 1.1)):
        yield Goal(
            "Broadcast to 1000, one at a time, to the last", LAST, factor, (case, "ours"), ((case, server),)
        )
    yield Goal("Echo, plain def", RATE, 1.05, ("echo-1", "ours-def"), (("echo-1", "bun"),))
    for case, server, factor in (
        ("echo-1", "node", 1.4),
        ("echo-1", "bun", 0.85),
        ("echo-8", "node", 4.0),
        ("echo-8", "bun", 1.0),
    ):
        text = f"Echo at depth {case[-1]}, async def"
        yield Goal(text, RATE, factor, (case, "ours"), ((case, server),))
    yield from _connecting("ours", bare=1.1, aiohttp=1 / 1.1, node=1 / 0.8, rate=1.5, polling=0.45)
    yield from _connecting("ours-speed", aiohttp=1 / 2, node=1 / 1.5, rate=3.0, polling=0.9)
    case = "polling-echo"
    yield Goal("Long-polling echo", RATE, 1.1, (case, "ours"), tuple((case, name) for name in PYTHON))
    yield Goal(
        "CPU a delivery, 10,000 clients against 100",
        CPU,
        4 / 3,
        ("broadcast-10000-16", "ours"),
        (("broadcast-100-16", "ours"),),
    )
    yield Goal("Memory of an idle connection", MEMORY, 0.7, ("idle", "ours"), (("idle", "bun"),))


def _connecting(
    server: str, *, aiohttp: float, node: float, rate: float, polling: float, bare: float | None = None
) -> Iterator[Goal]:
    """Yield the goals for connecting and polling, of one of the two parsers of HTTP."""
    case, parser = "connect-default", " (httptools)" if server == "ours-speed" else ""
    text = f"CPU of the server for a default client{parser}"
    for other, factor in (("bare", bare), ("psio-aiohttp", aiohttp), ("node", node)):
        if factor is not None:
            yield Goal(text, CPU_CLIENT, factor, (case, server), ((case, other),))
    for others in (PYTHON, ("node",)):
        against = tuple(("connect", name) for name in others)
        yield Goal(f"WebSocket connects{parser}", RATE, rate, ("connect", server), against)
    for case, other in (("storm", "another client"), ("storm-polling", "a polling client")):
        text = f"Echo of {other} while 10,000 come back, p99{parser}"
        yield Goal(text, ECHO_P99, 20_000.0, (case, server), ())
    case = "polling-echo"
    yield Goal(f"Long-polling echo{parser}", RATE, polling, (case, server), ((case, "node"),))


GOALS: tuple[Goal, ...] = tuple(_goals())
