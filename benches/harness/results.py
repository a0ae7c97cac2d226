"""The record of a run: all measurements, with the machine and versions."""

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
    """One result of the load generator, with its case, server and round."""

    case: str
    server: str
    round: int
    result: dict[str, Any]


@dataclass(slots=True)
class Record:
    """The record of a run.

    Attributes:
        about: date, commit, machine, versions, flags.
        missing: the servers that could not run, with the reason.
        measurements: the successful measurements, in order.
        failures: descriptions of the failed ones.
    """

    about: dict[str, Any]
    missing: dict[str, str] = field(default_factory=dict)
    measurements: list[Measurement] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def figures(self, case: str, server: str, key: str) -> dict[int, float]:
        """Return a figure by round. Rounds without this measurement are left out."""
        return {
            item.round: float(item.result[key])
            for item in self.measurements
            if (item.case, item.server) == (case, server) and item.result.get(key) is not None
        }

    def spread(self, case: str, server: str, key: str) -> Spread | None:
        """Return the spread of a figure over all rounds; None if it was not measured."""
        values = self.figures(case, server, key).values()
        return Spread.of(values) if values else None

    def ratio(self, ours: tuple[str, str], theirs: tuple[str, str], key: str) -> Spread | None:
        """Divide a figure of one (case, server) by that of another. Return None if they have no round in common."""
        return ratios(self.figures(*ours, key), self.figures(*theirs, key))

    def measured(self) -> dict[str, list[str]]:
        """Return the cases, and the servers that were measured in each."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for item in self.measurements:
            found[item.case][item.server] = None
        return {case: list(servers) for case, servers in found.items()}

    def to_json(self) -> str:
        """Convert the record to JSON."""
        measurements = [
            {"case": item.case, "server": item.server, "round": item.round, "result": item.result}
            for item in self.measurements
        ]
        content = {"about": self.about, "missing": self.missing, "failures": self.failures}
        return json.dumps(content | {"measurements": measurements}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a record that ``to_json`` returned."""
        content = json.loads(text)
        measurements = [Measurement(**item) for item in content["measurements"]]
        return cls(content["about"], content["missing"], measurements, content["failures"])

    def save(self, kind: str = "") -> Path:
        """Write the record to a file, whose name contains the kind, the date and the commit."""
        places.RESULTS.mkdir(parents=True, exist_ok=True)
        words = [kind, self.about["date"].replace(":", ""), self.about["commit"].replace(" + ", "-")]
        path = places.RESULTS / f"{'-'.join(filter(None, words))}.json"
        path.write_text(self.to_json() + "\n", "utf-8")
        return path


def commit(folder: Path = places.ROOT) -> str:
    """Return the short name of the checked-out commit, and whether files differ from it."""
    short = _git(folder, "rev-parse", "--short", "HEAD")
    return f"{short} + changes" if _git(folder, "status", "--porcelain", "--untracked-files=no") else short


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=False)
    return done.stdout.strip() or ("unknown" if done.returncode else "")


def describe(versions: Mapping[str, str], arguments: Iterable[str]) -> dict[str, Any]:
    """Describe the date, commit, machine, versions and arguments of a run."""
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
