"""Make one measurement: a fresh server, one run of the load generator."""

from __future__ import annotations

from pathlib import Path

from harness.peers import PEERS, command, environment
from harness.processes import Cores, FailedError, Load, Result, Running, serving
from harness.scenarios import Case

#: Clients that come and go before memory is looked at, so that what is made once for all is there already.
FIRST_CLIENTS = 50

#: What connecting 10,000 clients to a slow server may take, on top of the window.
PATIENCE_SECONDS = 60.0


def measure(
    case: Case, server: str, cores: Cores, seconds: float, warmup: float, source: Path | None = None
) -> Result:
    """Ask a server what the case asks, and return the load generator's result.

    Args:
        case: the question.
        server: its name in ``PEERS``.
        cores: where both run.
        seconds: how long the window is.
        warmup: what goes before it, in seconds.
        source: the folder that holds another version of our package.

    Raises:
        FailedError: the server or the generator failed.
    """
    peer = PEERS[server]
    with serving(server, command(peer), environment(peer, source), cores.server) as running:
        options = ["--scenario", case.scenario, *case.options]
        if case.scenario == "idle":
            result = _idle(running, options, cores)
        else:
            seconds *= case.windows
            options += ["--seconds", str(seconds), "--warmup", str(warmup)]
            with Load(running, options, cores.load) as load:
                result = load.read(seconds + warmup + PATIENCE_SECONDS)
    if not result.get(case.metric.key):
        raise FailedError(
            f"nothing came to its end within the window; {result.get('deliveries')} deliveries in all"
        )
    return result


def _idle(running: Running, options: list[str], cores: Cores) -> Result:
    """How much larger the server's memory is with its clients than without."""
    with Load(running, [*options, "--clients", str(FIRST_CLIENTS)], cores.load) as load:
        load.read(PATIENCE_SECONDS)
        load.finish(PATIENCE_SECONDS)
    running.settle()
    before = running.memory()
    with Load(running, options, cores.load) as load:
        connected = int(load.read(PATIENCE_SECONDS)["connected"])
        running.settle()
        after = running.memory()
        result = load.finish(PATIENCE_SECONDS)
    result["rss_bytes_per_connection"] = (after["VmRSS"] - before["VmRSS"]) / connected
    result["rss_anon_bytes_per_connection"] = (after["RssAnon"] - before["RssAnon"]) / connected
    return result


def complaints(result: Result) -> list[str]:
    """What is wrong with a result, in words; a good one has none."""
    found = []
    if result.get("errors"):
        found.append(f"{result['errors']} errors")
    if result.get("deliveries") != result.get("expected"):
        found.append(f"{result.get('deliveries')} of {result.get('expected')} deliveries")
    if result.get("lost"):
        found.append(f"{result['lost']} connections lost")
    return found


def client_bound(result: Result) -> bool:
    """The generator itself was nearly at its limit, so the server may be faster than the figure says."""
    return float(result.get("client_cpu") or 0.0) > 0.9
