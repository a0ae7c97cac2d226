"""Two versions of the project, asked in turns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from harness.figures import Spread, ratios
from harness.table import Table, times
from micro.measure import Answer
from micro.programs import nanoseconds

#: The answers of some rounds: by round, then by name.
Rounds = Sequence[Mapping[str, Answer]]


def verdict(base: Spread, head: Spread) -> str:
    """A word where even the slowest round of one is faster than the fastest of the other, of three or more."""
    if min(base.count, head.count) < 3:
        return ""
    if head.high < base.low:
        return "better"
    return "worse" if head.low > base.high else ""


def spreads(rounds: Rounds) -> dict[str, Spread]:
    """Each answer's nanoseconds over the rounds that have it."""
    found: dict[str, list[float]] = defaultdict(list)
    for answers in rounds:
        for name, answer in answers.items():
            found[name].append(answer.ns)
    return {name: Spread.of(values) for name, values in found.items()}


def table(base: Rounds, head: Rounds, names: tuple[str, str]) -> Table:
    """What both versions answer, and what the second makes of the first."""
    first, second = names
    rows: list[tuple[str, ...]] = []
    before, after = spreads(base), spreads(head)
    for name in before:
        if name not in after:
            continue
        ratio = ratios(
            *({turn: a[name].ns for turn, a in enumerate(side) if name in a} for side in (head, base))
        )
        answer = next(answers[name] for answers in base if name in answers)
        cells = (
            nanoseconds(before[name].median),
            nanoseconds(after[name].median),
            times(ratio) if ratio else "",
        )
        rows.append((name, answer.per, *cells, verdict(before[name], after[name])))
    return Table(f"{second} against {first}", ("name", "per", first, second, "ratio", ""), rows)
