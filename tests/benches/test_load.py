"""The load generator with real servers: default clients, a storm of them, and plain requests."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import install, places
from harness.measure import complaints, measure
from harness.peers import PEERS, command, environment
from harness.processes import Cores, FailedError, Load, serving
from harness.scenarios import select

ANYWHERE = Cores(None, None)

pytestmark = pytest.mark.usefixtures("load_generator")


@pytest.fixture(scope="module")
def load_generator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compile the load generator where no other process does, without optimization."""
    folder: Path = tmp_path_factory.mktemp("load")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "LOAD", folder / "load")
        patch.setattr(places, "LOGS", folder / "logs")
        patch.setattr(places, "TLS", folder / "tls")
        install.make(folder, "load", CFLAGS="-O0")
        yield


def test_default_clients_make_as_many_requests_and_connections_as_real_ones() -> None:
    words = ["--scenario", "connect", "--transport", "default", "--connects", "50", "--concurrency", "4"]
    for server, agent in (("ours", "browser"), ("ours", "node"), ("bare", "browser")):
        with (
            serving(server, command(PEERS[server]), environment(PEERS[server]), None) as running,
            Load(running, [*words, "--agent", agent], None) as load,
        ):
            result = load.read(30)
        assert complaints(result) == []
        assert result["deliveries"] >= 50
        # One poll or two: it depends on what is known first, the answer to the CONNECT, or that to the probe.
        assert 3.9 < result["requests_each"] < 5.5, server
        connections = 3 if agent == "browser" else result["requests_each"]
        assert connections - 0.5 < result["connections_each"] < connections + 0.5, (server, agent)
        assert result["server_cpu_us_per_delivery"] > 0


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_clients_connect_by_tls() -> None:
    (case,) = select(["connect-tls"])
    try:
        result = measure(case, "ours", ANYWHERE, 0.1, 0.02)
    except FailedError as error:
        if "without OpenSSL" in str(error):
            pytest.skip(str(error))
        raise
    assert complaints(result) == []
    assert result["connections_each"] == 1


@pytest.mark.parametrize("name", ["storm", "storm-polling"])
def test_after_a_drop_all_clients_but_the_innocent_come_back(name: str) -> None:
    (case,) = select([name])
    small = dataclasses.replace(case, options=(*case.options, "--clients", "40", "--concurrency", "8"))
    result = measure(small, "ours", ANYWHERE, 1.0, 0.02)
    assert complaints(result) == []
    assert result["deliveries"] == 39
    assert 0 < result["echo_deliveries"] == result["echo_expected"]
    assert result["rss_bytes_most"] >= result["rss_bytes_before"] > 0
    assert 40 < result["server_files_most"] < 40 + 3 * 8 + 50
    assert ("--innocent-polls" in case.options) == (name == "storm-polling")


def test_the_page_of_the_web_application_is_requested() -> None:
    (case,) = select(["asgi-hello"])
    result = measure(case, "ours-asgi", ANYWHERE, 0.1, 0.02)
    assert complaints(result) == []
    assert result["rate"] > 0
