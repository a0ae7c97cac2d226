"""Makes one measurement, with a new server and one run of the load generator."""

from __future__ import annotations

from pathlib import Path

from harness import install, places
from harness.peers import PEERS, command, environment
from harness.processes import Cores, FailedError, Load, Result, Running, raise_file_limit, serving
from harness.scenarios import Case

#: How many clients connect and disconnect before the memory is measured. They make the server allocate memory that it
#: needs only once.
FIRST_CLIENTS = 50

#: How long it may take to connect 10,000 clients to a slow server, in addition to the window.
PATIENCE_SECONDS = 60.0

#: How long it may take until all clients of a storm are connected.
STORM_SECONDS = 120.0

#: A server with fewer open files left may have refused connections.
SPARE_FILES = 50


def measure(
    case: Case, server: str, cores: Cores, seconds: float, warmup: float, source: Path | None = None
) -> Result:
    """Run a case with a server, and return the result of the load generator.

    Args:
        case: the case.
        server: the name of the server in ``PEERS``.
        cores: the cores of the server and of the load generator.
        seconds: the length of the window.
        warmup: the time before the window, in seconds.
        source: the folder of another version of our package, or None.

    Raises:
        FailedError: the server or the generator failed.
    """
    peer, words = PEERS[server], command(PEERS[server])
    if "--tls" in case.options:
        words += ["--tls", str(_certificate())]
    with serving(server, words, environment(peer, source), cores.server) as running:
        options = ["--scenario", case.scenario, *case.options]
        if case.scenario == "idle":
            result = _idle(running, options, cores)
        elif case.scenario == "storm":
            result = _storm(running, [*options, "--warmup", str(warmup * case.windows)], cores)
            _check_files(result, places.LOGS / f"{server}.log")
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


def _certificate() -> Path:
    try:
        return install.certificate()
    except install.MissingError as error:
        raise FailedError(f"no certificate: {error}") from error


def _idle(running: Running, options: list[str], cores: Cores) -> Result:
    """Measure how much larger the memory of the server is with clients than without."""
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


def _storm(running: Running, options: list[str], cores: Cores) -> Result:
    """Drop all clients and let them come back. Measure the time, and the memory before, at most, and after."""
    with Load(running, options, cores.load) as load:
        load.read(STORM_SECONDS)
        before = running.memory()
        result = load.ask("storm", STORM_SECONDS)
        after = running.memory()
        load.finish(PATIENCE_SECONDS)
    memory = {"before": before["VmRSS"], "most": after["VmHWM"], "after": after["VmRSS"]}
    return result | {f"rss_bytes_{name}": value for name, value in memory.items()}


def _check_files(result: Result, log: Path) -> None:
    """Raise ``FailedError`` if the server was out of open files. The load generator fails if it is."""
    limit = raise_file_limit()
    refused = any(word in log.read_text("utf-8", "replace") for word in ("EMFILE", "Too many open files"))
    if refused or result["server_files_most"] > limit - SPARE_FILES:
        raise FailedError(f"the server had {result['server_files_most']} of {limit} files open: too many")


def complaints(result: Result) -> list[str]:
    """Return descriptions of the errors in a result."""
    found = []
    if result.get("errors"):
        found.append(f"{result['errors']} errors")
    if result.get("deliveries") != result.get("expected"):
        found.append(f"{result.get('deliveries')} of {result.get('expected')} deliveries")
    if result.get("lost"):
        found.append(f"{result['lost']} connections lost")
    return found


def client_bound(result: Result) -> bool:
    """Return whether the load generator was near its own limit. Then the server may be faster than the figure."""
    return float(result.get("client_cpu") or 0.0) > 0.9
