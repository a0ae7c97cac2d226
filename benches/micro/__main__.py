"""Run the small benchmarks: ``make bench-micro``, or with ``ARGS="--only events,members --json"``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from harness.display import say, show
from micro.measure import tell
from micro.programs import PYTHON, C, Version, ask, build, table


def main(words: Sequence[str]) -> int:
    """Run the programs, and print their answers. Return 1 if a program failed, else 0."""
    parser = argparse.ArgumentParser(prog="make bench-micro ARGS=", description=__doc__)
    parser.add_argument("--only", default="", help=f"some of {', '.join(C + PYTHON)}, with commas between")
    parser.add_argument("--json", action="store_true", help="lines of JSON instead of a table")
    asked = parser.parse_args(words)
    programs = asked.only.split(",") if asked.only else C + PYTHON
    if unknown := set(programs) - {*C, *PYTHON}:
        parser.error(f"there is no {unknown.pop()!r}; there are {', '.join(C + PYTHON)}")
    version = Version()
    build(version)
    answers = ask(version, programs)
    if asked.json:
        for answer in answers.given.values():
            tell(answer)
    else:
        show(table(answers.given.values()))
    for program, why in answers.failures.items():
        say(f"failed: {program}: {why}")
    return 1 if answers.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
