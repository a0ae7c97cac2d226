"""Converts a record to tables of text, for ``display`` and ``documents``."""

from __future__ import annotations

from dataclasses import dataclass

from harness.figures import Spread, human, kilobytes, microseconds
from harness.goals import GOALS
from harness.measure import client_bound, complaints
from harness.peers import PEERS
from harness.results import Record
from harness.scenarios import CASES, CPU, CPU_CLIENT, ECHO_P99, LAST, MEMORY, RATE, Case


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a title. Its first two columns and the last one contain words, the others numbers."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]

    def wordy(self, at: int) -> bool:
        """Return whether a column contains words."""
        return at < 2 or at == len(self.columns) - 1

    def plain(self) -> str:
        """Format the table as plain text, with aligned columns, and numbers at the right."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[at]) for line in lines) for at in range(len(self.columns))]
        texts = [
            "  ".join(
                cell.ljust(width) if self.wordy(at) else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        return "\n".join([self.title, *texts])

    def markdown(self) -> str:
        """Format the table as Markdown, without its title."""
        ruler = ["---" if self.wordy(at) else "---:" for at in range(len(self.columns))]
        return "\n".join(f"| {' | '.join(line)} |" for line in [self.columns, ruler, *self.rows])


MAIN_COLUMNS = ("case", "server", "median", "spread", "p50", "p99", "CPU each", "ours is", "remarks")


def main_table(record: Record) -> Table:
    """Make a table of all cases and measured servers."""
    measured = record.measured()
    rows: list[tuple[str, ...]] = []
    for case in CASES:
        for number, server in enumerate(sorted(measured.get(case.name, ()), key=list(PEERS).index)):
            rows.append((case.name if number == 0 else "", *_row(record, case, server)))
    title = (
        "Median and lowest..highest of the rounds; `ours is`: our figure divided by theirs, round by round"
    )
    return Table(title, MAIN_COLUMNS, rows)


def _row(record: Record, case: Case, server: str) -> tuple[str, ...]:
    metric = case.metric
    spread = record.spread(case.name, server, metric.key)
    assert spread is not None
    cells = [PEERS[server].title, f"{metric.show(spread.median)}{'/s' if metric is RATE else ''}"]
    cells.append(f"{metric.show(spread.low)}..{metric.show(spread.high)}" if spread.count > 1 else "once")
    for key in ("p50_us", "p99_us", CPU.key):
        figure = record.spread(case.name, server, key) if metric is not MEMORY else None
        cells.append(microseconds(figure.median) if figure and figure.median else "")
    ours = (case.name, case.reference)
    ratio = record.ratio(ours, (case.name, server), metric.key) if server != case.reference else None
    cells.append(times(ratio) if ratio else "")
    cells.append(_remark(record, case, server))
    return tuple(cells)


def _remark(record: Record, case: Case, server: str) -> str:
    results = [item.result for item in record.measurements if (item.case, item.server) == (case.name, server)]
    remarks = ["client-bound"] if any(map(client_bound, results)) else []
    remarks += sorted({text for result in results for text in complaints(result)})
    if case.metric is ECHO_P99:
        remarks += _storm(record, case.name, server)
    if case.metric in (LAST, CPU_CLIENT) and (rate := record.spread(case.name, server, RATE.key)):
        remarks.append(f"{human(rate.median)}/s")
    if anonymous := record.spread(case.name, server, "rss_anon_bytes_per_connection"):
        remarks.append(f"anonymous {kilobytes(anonymous.median)}")
    if (echoes := record.spread(case.name, server, "echo_rate")) and echoes.median:
        remarks.append(f"and {human(echoes.median)} echoes/s")
    return ", ".join(remarks)


def _storm(record: Record, case: str, server: str) -> list[str]:
    """Describe when the last client was back, and the memory before the storm, at most, and after it."""
    names = ("seconds", "rss_bytes_before", "rss_bytes_most", "rss_bytes_after")
    found = [record.spread(case, server, name) for name in names]
    seconds, *memory = [spread.median for spread in found if spread is not None]
    sizes = " / ".join(f"{size / 1e6:.0f}" for size in memory)
    return [f"the last is back after {seconds:.1f} s", f"memory {sizes} MB"]


def goals_table(record: Record) -> Table:
    """Make a table of the goals, and whether this run reached them. Leave out goals of cases that were not measured."""
    tried = record.measured()
    rows: list[tuple[str, ...]] = []
    for goal in GOALS:
        judged, ratio = goal.judge(record)
        if goal.ours[0] not in tried:
            continue
        figure = f"{goal.factor:.2f}x" if goal.against else goal.metric.show(goal.factor)
        wanted = f"{'≥' if goal.metric.higher else '≤'} {figure}"
        against = " or ".join(dict.fromkeys(PEERS[server].title for _, server in goal.against))
        shown = "" if ratio is None else times(ratio) if goal.against else goal.metric.show(ratio.median)
        rows.append((goal.text, against, wanted, shown, judged))
    return Table("Goals", ("goal", "against", "wanted", "this run", ""), rows)


def times(ratio: Spread) -> str:
    """Format a ratio with its spread."""
    median = _factor(ratio.median)
    return f"{median}x" if ratio.count == 1 else f"{median}x ({_factor(ratio.low)}..{_factor(ratio.high)})"


def _factor(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
