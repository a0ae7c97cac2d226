"""Nothing of a connection stays behind, however it ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

#: Rounds of 1,000 connections: so many that tables which grow once in a while are no leak of 1 kB per 1,000.
ROUNDS = 100

#: Python takes memory for small objects by the MiB, and its pages become resident when they are used first. It is a
#: matter of chance when the rest of the last MiB is used, and when one more is taken, so both may happen in the test.
CHANCE_BYTES = 2 << 20


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_connections_leave_nothing_behind() -> None:
    command = [sys.executable, "-W", "error", str(Path(__file__).with_name("soak.py")), str(ROUNDS)]
    # The C library keeps no freed blocks: blocks of a page and more go back to the system at once, and the caches of
    # smaller ones, which take long to fill, are off. They would hide a leak or look like one.
    environment = {
        **os.environ,
        "MALLOC_MMAP_THRESHOLD_": "4096",
        "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0",
    }
    done = subprocess.run(command, capture_output=True, text=True, timeout=580, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    marks = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(marks) == 10
    first, last = marks[0], marks[-1]  # after the first tenth
    thousands = 0.9 * ROUNDS
    grown = {
        what: (last[what] - first[what]) / thousands for what in ("malloced", "small_blocks", "resident")
    }
    print(
        f"{ROUNDS},000 connections; per 1,000: {grown['malloced']:.0f} bytes from malloc, {grown['small_blocks']:.1f} "
        f"small blocks, {grown['resident']:.0f} bytes resident; {last['tasks']} tasks, {last['descriptors']} files"
    )
    for mark in marks:
        for what in ("objects", "tasks", "descriptors"):
            assert mark[what] == first[what], what
    assert grown["malloced"] < 1000
    # Every seventeenth connection ends in the same way: one object left by one of them would be 59 blocks.
    assert grown["small_blocks"] < 5
    assert last["resident"] - first["resident"] < CHANCE_BYTES + 1000 * thousands
