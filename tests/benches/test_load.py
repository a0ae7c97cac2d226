"""The load generator as a default client, with real servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import install, places
from harness.peers import PEERS, command, environment
from harness.processes import Load, serving


@pytest.fixture
def load_generator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile the load generator where no other process does, without optimization."""
    monkeypatch.setattr(places, "BUILD", tmp_path)
    monkeypatch.setattr(places, "LOAD", tmp_path / "load")
    monkeypatch.setattr(places, "LOGS", tmp_path / "logs")
    install.make(tmp_path, "load", CFLAGS="-O0")


@pytest.mark.usefixtures("load_generator")
def test_default_clients_make_five_requests_on_three_connections() -> None:
    words = ["--scenario", "connect", "--transport", "default", "--connects", "50", "--concurrency", "4"]
    for server, agent, connections in (("ours", "browser", 3), ("ours", "node", 5), ("bare", "browser", 3)):
        with (
            serving(server, command(PEERS[server]), environment(PEERS[server]), None) as running,
            Load(running, [*words, "--agent", agent], None) as load,
        ):
            result = load.read(30)
        assert (result["errors"], result["lost"]) == (0, 0)
        assert result["deliveries"] == result["expected"] >= 50
        # The number of polls depends on what is known first: the answer to the CONNECT, or that to the probe.
        assert 4.5 < result["requests_each"] < 5.5, server
        assert connections - 0.5 < result["connections_each"] < connections + 0.5, server
        assert result["server_cpu_us_per_delivery"] > 0
