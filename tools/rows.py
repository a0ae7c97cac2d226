"""Check that every feature row in tests/rows.txt has a test.

A test names its rows with ``@pytest.mark.rows("B1", "B2")``, on a function, on a class or in ``pytestmark``. A Markdown
file of test vectors names its rows in a line ``rows: C1 C2``. The files are parsed, not imported. Every row is printed
with its tests. The exit status is 1 if a row has no test.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"

ROW = re.compile(r"[A-Z]0?[1-9]\d*")
MARKDOWN_LINE = re.compile(r"^rows:(.*)$", re.MULTILINE)

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def order(row: str) -> tuple[str, int]:
    """Return a key that sorts B2 before B10."""
    return row[0], int(row[1:])


def checked(row: object, where: str) -> str:
    """Return `row` if it has the form of a row number; else exit with an error."""
    if not (isinstance(row, str) and ROW.fullmatch(row)):
        sys.exit(f"{where}: {row!r} is not the number of a row, such as 'B12'")
    return row


def required() -> list[str]:
    """Read tests/rows.txt, the rows that must have a test."""
    path = TESTS / "rows.txt"
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    rows = [checked(line.split()[0], path.name) for line in lines]
    if len(rows) != len(set(rows)):
        sys.exit(f"{path.name} names a row twice")
    return rows


def marks(nodes: list[ast.expr], where: str) -> Iterator[str]:
    """Yield the rows of every ``pytest.mark.rows(...)`` within `nodes`."""
    for node in nodes:
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.rows":
                for argument in call.args:
                    yield checked(getattr(argument, "value", ast.unparse(argument)), where)


def pytestmark(body: list[ast.stmt]) -> list[ast.expr]:
    """Return the expressions that `body` assigns to ``pytestmark``."""
    return [
        statement.value
        for statement in body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "pytestmark"
    ]


def is_test(node: ast.stmt) -> bool:
    """Return whether pytest collects `node` or a test in it."""
    if isinstance(node, ast.ClassDef):
        return node.name.startswith("Test") and any(map(is_test, node.body))
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")


def rows_of_body(body: list[ast.stmt], where: str) -> Iterator[tuple[str, str]]:
    """Yield (row, test) for the body of a module or class."""
    tests = [node for node in body if isinstance(node, Definition) and is_test(node)]
    if tests:
        for row in marks(pytestmark(body), where):
            yield row, where
    for node in tests:
        name = f"{where}::{node.name}"
        for row in marks(node.decorator_list, name):
            yield row, name
        if isinstance(node, ast.ClassDef):
            yield from rows_of_body(node.body, name)


def rows_of_file(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (row, test) for a test module or a Markdown file."""
    where = path.relative_to(ROOT).as_posix()
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        yield from rows_of_body(ast.parse(text, where).body, where)
    else:
        for line in MARKDOWN_LINE.findall(text):
            for row in line.split():
                yield checked(row, where), where


def main() -> int:
    """Print each row with its tests. Return 1 if a required row has no test, else 0."""
    carried: dict[str, set[str]] = defaultdict(set)
    for path in sorted([*TESTS.rglob("test_*.py"), *TESTS.rglob("*.md")]):
        for row, test in rows_of_file(path):
            carried[row].add(test)
    rows = required()
    for row in sorted({*rows, *carried}, key=order):
        print(f"{row:4} {', '.join(sorted(carried[row])) or 'MISSING'}")
    missing = [row for row in rows if not carried[row]]
    print(f"{len(rows) - len(missing)} of {len(rows)} required rows have a test")
    if missing:
        print(f"rows without a test: {' '.join(missing)}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
