"""Writes the results of a run to docs/benchmarks.md, between the markers there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from harness.figures import Spread
from harness.goals import GOALS
from harness.peers import PEERS
from harness.results import Record
from harness.scenarios import CASES
from harness.table import goals_table, main_table, times


def replace(text: str, part: str, content: str) -> str:
    """Replace the text between the markers of `part` by `content`.

    Raises:
        ValueError: the markers do not exist, or exist more than once.
    """
    begin, end = f"<!-- {part} -->", f"<!-- end of {part} -->"
    pattern = re.compile(f"({re.escape(begin)}\n).*?({re.escape(end)})", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"the document does not have {begin} and {end} just once")
    return pattern.sub(lambda found: f"{found[1]}{content.strip()}\n{found[2]}", text)


def machine(record: Record) -> str:
    """List the date, machine and versions of a run."""
    about = record.about
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    lines = [
        f"- {about['date'][:10]}, commit {about['commit']}",
        f"- {about['cpu']}, {about['cores']} cores, {about['kernel']}",
        f"- {versions}",
        *(f"- not measured: {PEERS[name].title}: {reason}" for name, reason in record.missing.items()),
    ]
    return "\n".join(lines)


def slower(record: Record) -> str:
    """List the cases in which another server is better than ours by more than the spread."""
    lines = []
    for case in CASES:
        for server in record.measured().get(case.name, ()):
            if server.startswith(("ours", "limit")):
                continue
            ratio = record.ratio((case.name, case.reference), (case.name, server), case.metric.key)
            if ratio and worse(ratio, higher=case.metric.higher):
                lines.append(f"- {case.name}, {case.metric.title}: {times(ratio)} of {PEERS[server].title}")
    return "\n".join(lines) or "In nothing that this run measured."


def worse(ratio: Spread, *, higher: bool) -> bool:
    """Return whether our server was worse even in its best round."""
    return ratio.high < 1 if higher else ratio.low > 1


def write(record: Record, document: Path, pictures: Iterable[Path]) -> None:
    """Update every part of the document."""
    text = document.read_text("utf-8")
    links = [f"![{path.stem}]({path.relative_to(document.parent).as_posix()})" for path in pictures]
    judged = [goal.judge(record)[0] for goal in GOALS]
    counts = ", ".join(f"{judged.count(word)} {word}" for word in dict.fromkeys(judged))
    parts = {
        "machine": machine(record),
        "goals": f"{goals_table(record).markdown()}\n\n{len(judged)} goals: {counts}.",
        "results": main_table(record).markdown(),
        "pictures": "\n\n".join(links) or "None were drawn.",
        "slower": slower(record),
    }
    for part, content in parts.items():
        text = replace(text, part, content)
    document.write_text(text, "utf-8")
