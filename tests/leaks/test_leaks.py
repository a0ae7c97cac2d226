"""Nothing of a connection stays behind, however it ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CONNECTIONS = 20_000


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_connections_leave_nothing_behind() -> None:
    command = [sys.executable, "-W", "error", str(Path(__file__).with_name("soak.py")), str(CONNECTIONS)]
    # Blocks of a page and more are given back to the system at once: else the scraps that the C library keeps between
    # them grow for a while, and would hide a leak or look like one.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "4096"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=380, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    marks = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(marks) == CONNECTIONS // 1000
    first, last = marks[len(marks) // 10 - 1], marks[-1]
    grown = (last["resident"] - first["resident"]) / (0.9 * CONNECTIONS / 1000)
    print(
        f"{CONNECTIONS} connections: {grown:.0f} bytes of resident memory per 1,000, "
        f"{last['tasks']} tasks, {last['descriptors']} descriptors"
    )
    for mark in marks:
        for what in ("objects", "tasks", "descriptors"):
            assert mark[what] == first[what], what
    assert grown < 1000
