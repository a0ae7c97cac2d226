"""Prints a run: with rich if it is installed and the output is a terminal, else in plain lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from harness.table import Table

try:
    from rich import box, console
    from rich import table as drawing
except ImportError:
    RICH = False
else:
    RICH = True

Say = Callable[[str], None]


def say(text: str) -> None:
    """Print a line."""
    print(text, flush=True)


class Progress:
    """Prints a line for each measurement: the number of finished ones, its result, and the estimated remaining time."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._start = time.monotonic()

    def step(self, text: str) -> None:
        """Count a finished measurement, and print its line."""
        self._done += 1
        rest = (time.monotonic() - self._start) / self._done * (self._total - self._done)
        say(f"[{self._done:3}/{self._total}, {rest:3.0f} s to go] {text}")


def show(table: Table) -> None:
    """Print a table."""
    if not RICH or not sys.stdout.isatty():
        say(f"\n{table.plain()}")
        return
    drawn = drawing.Table(title=table.title, title_justify="left", box=box.SIMPLE_HEAD)
    for number, name in enumerate(table.columns):
        drawn.add_column(name, justify="left" if table.wordy(number) else "right", no_wrap=number < 2)
    for row in table.rows:
        drawn.add_row(*row, style={"missed": "red", "reached": "green"}.get(row[-1]))
    console.Console().print(drawn)
