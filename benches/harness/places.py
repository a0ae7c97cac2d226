"""The paths of files and folders."""

from __future__ import annotations

from pathlib import Path

BENCHES = Path(__file__).resolve().parent.parent
ROOT = BENCHES.parent
SERVERS = BENCHES / "servers"
DOCUMENT = ROOT / "docs" / "benchmarks.md"
PICTURES = ROOT / "docs" / "benchmarks"

#: The folder for all generated files. Git ignores it.
BUILD = ROOT / "build" / "bench"
LOAD, LIMIT = BUILD / "load", BUILD / "limit"
NODE, VENV = BUILD / "node", BUILD / "venv"
TLS = BUILD / "tls"
RESULTS, LOGS, WORKTREES = BUILD / "results", BUILD / "logs", BUILD / "worktrees"
