"""A run's record: every single measurement, and on what it was made."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sysconfig
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from harness import places
from harness.figures import Spread, ratios


@dataclass(frozen=True, slots=True)
class Measurement:
    """One line of the load generator, and what it was the answer to."""

    case: str
    server: str
    round: int
    result: dict[str, Any]


@dataclass(slots=True)
class Record:
    """A whole run.

    Attributes:
        about: date, commit, machine, versions, flags.
        missing: servers that could not be run, with the reason.
        measurements: all that succeeded, in order.
        failures: what did not succeed, in words.
    """

    about: dict[str, Any]
    missing: dict[str, str] = field(default_factory=dict)
    measurements: list[Measurement] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def figures(self, case: str, server: str, key: str) -> dict[int, float]:
        """A figure of each round; what has not been measured is not there."""
        return {
            item.round: float(item.result[key])
            for item in self.measurements
            if (item.case, item.server) == (case, server) and item.result.get(key) is not None
        }

    def spread(self, case: str, server: str, key: str) -> Spread | None:
        """The figure of all rounds, if it has been measured."""
        values = self.figures(case, server, key).values()
        return Spread.of(values) if values else None

    def ratio(self, ours: tuple[str, str], theirs: tuple[str, str], key: str) -> Spread | None:
        """One (case, server) divided by another, if both have been measured."""
        return ratios(self.figures(*ours, key), self.figures(*theirs, key))

    def measured(self) -> dict[str, list[str]]:
        """The cases, and the servers that were measured in each."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for item in self.measurements:
            found[item.case][item.server] = None
        return {case: list(servers) for case, servers in found.items()}

    def to_json(self) -> str:
        """All of it."""
        measurements = [
            {"case": item.case, "server": item.server, "round": item.round, "result": item.result}
            for item in self.measurements
        ]
        content = {"about": self.about, "missing": self.missing, "failures": self.failures}
        return json.dumps(content | {"measurements": measurements}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What ``to_json`` gave."""
        content = json.loads(text)
        measurements = [Measurement(**item) for item in content["measurements"]]
        return cls(content["about"], content["missing"], measurements, content["failures"])

    def save(self, kind: str = "") -> Path:
        """Write it to a file named by kind, date and commit."""
        places.RESULTS.mkdir(parents=True, exist_ok=True)
        words = [kind, self.about["date"].replace(":", ""), self.about["commit"].replace(" + ", "-")]
        path = places.RESULTS / f"{'-'.join(filter(None, words))}.json"
        path.write_text(self.to_json() + "\n", "utf-8")
        return path


def commit(folder: Path = places.ROOT) -> str:
    """The short name of the commit that is checked out there, and whether files differ from it."""
    short = _git(folder, "rev-parse", "--short", "HEAD")
    return f"{short} + changes" if _git(folder, "status", "--porcelain", "--untracked-files=no") else short


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=False)
    return done.stdout.strip() or ("unknown" if done.returncode else "")


def describe(versions: Mapping[str, str], arguments: Iterable[str]) -> dict[str, Any]:
    """What a reader needs to know about a run."""
    cpu = "unknown"
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": commit(),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
        "versions": dict(versions),
        "flags": {"python": sysconfig.get_config_var("CFLAGS"), "environment": os.environ.get("CFLAGS", "")},
        "arguments": list(arguments),
    }
