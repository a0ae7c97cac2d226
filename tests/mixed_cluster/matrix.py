"""The matrix of a run: which operation has worked between which servers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest

PROPERTY = "cluster matrix"


def note(item: Any, adapter: str, kind: str, tried: list[str], passed: list[str]) -> None:
    """Note the kinds of senders of a test, and those with which it has come to its end, for the report of the test."""
    operation = item.originalname.removeprefix("test_")
    item.user_properties.append((PROPERTY, [operation, adapter, kind, tried, passed]))


def lines(reports: Iterable[pytest.TestReport]) -> list[str]:
    """Return the matrix as a table, a column for each kind of cluster, adapter and sender."""
    cells: dict[str, dict[str, str]] = defaultdict(dict)
    columns: dict[str, None] = {}
    for report in reports:
        for name, value in report.user_properties:
            if name == PROPERTY and report.when == "teardown":
                operation, adapter, kind, tried, passed = value
                for sender in tried:
                    column = f"{adapter}, {kind}, from {sender}"
                    columns[column] = None
                    is_ok = sender in passed and cells[operation].get(column) != "NO"
                    cells[operation][column] = "ok" if is_ok else "NO"
    if not cells:
        return []
    ordered = sorted(columns)
    keys = [f"{number:2} {column}" for number, column in enumerate(ordered, 1)]
    width = max(map(len, cells))
    head = " " * width + "".join(f"{number:4}" for number in range(1, len(ordered) + 1))
    rows = [
        operation.ljust(width) + "".join(row.get(column, "-").rjust(4) for column in ordered)
        for operation, row in sorted(cells.items())
    ]
    return [*keys, head, *rows]
