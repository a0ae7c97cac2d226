"""Compares the answers of two versions of the project."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from harness.figures import Spread, ratios
from harness.table import Table, times
from micro.measure import Answer
from micro.programs import nanoseconds

#: The answers of several rounds: by round, then by name.
Rounds = Sequence[Mapping[str, Answer]]


def verdict(base: Spread, head: Spread) -> str:
    """Return "better" or "worse" if the slowest round of one is faster than the fastest of the other, else "".

    This needs at least three rounds of each.
    """
    if min(base.count, head.count) < 3:
        return ""
    if head.high < base.low:
        return "better"
    return "worse" if head.low > base.high else ""


def spreads(rounds: Rounds) -> dict[str, Spread]:
    """Return the spread of each answer's nanoseconds over the rounds that contain it."""
    found: dict[str, list[float]] = defaultdict(list)
    for answers in rounds:
        for name, answer in answers.items():
            found[name].append(answer.ns)
    return {name: Spread.of(values) for name, values in found.items()}


def table(base: Rounds, head: Rounds, names: tuple[str, str]) -> Table:
    """Make a table of the answers of both versions and their ratios."""
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
