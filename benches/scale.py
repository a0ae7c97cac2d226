"""Measure a server with as many WebSocket connections as the limit of open files allows: ``make bench-scale``.

It measures the memory of a connection, the time of a broadcast to all, the latency of one client beside the others,
whether all heartbeats are answered, and whether memory is freed when all clients disconnect at once. Server and load
generator are separate processes, so each may open as many files as the hard limit allows. The clients connect from
several loopback addresses.

Before that, it measures rooms with up to a million members without real sockets; see ``micro/scale.py``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median

from harness import install, places
from harness.display import say, show
from harness.figures import kilobytes, microseconds
from harness.measure import FIRST_CLIENTS
from harness.peers import PEERS, command, environment
from harness.processes import Cores, FailedError, Load, Result, Running, raise_file_limit, serving
from harness.results import describe
from micro import scale as sink

#: How many open files a process needs in addition to its connections.
SPARE_FILES = 500

CONNECT_SECONDS, ANSWER_SECONDS, RETURN_SECONDS = 300.0, 60.0, 60.0


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="benches/scale.py", description=__doc__)
    parser.add_argument("--only", choices=("sink", "sockets"), help="one half of it")
    parser.add_argument("--server", default="ours", choices=PEERS)
    parser.add_argument("--clients", type=int, default=0, help="default: what the limit of open files allows")
    parser.add_argument(
        "--sources", type=int, default=4, help="loopback addresses that the clients come from"
    )
    parser.add_argument("--hold", type=int, default=600, help="seconds for which all heartbeats are answered")
    parser.add_argument("--seconds", type=int, default=5, help="how long one client echoes")
    return parser.parse_args(words)


def drive(running: Running, asked: argparse.Namespace, cores: Cores) -> Result:
    """Connect all clients, make all measurements, and drop all clients. Return the results for the file."""
    with Load(running, ["--scenario", "idle", "--clients", str(FIRST_CLIENTS)], cores.load) as load:
        load.read(ANSWER_SECONDS)
        load.finish(ANSWER_SECONDS)
    running.settle()
    memory = {"empty": running.memory()}
    found: Result = {"memory": memory}
    options = ["--scenario", "scale", "--clients", str(asked.clients), "--sources", str(asked.sources)]
    with Load(running, options, cores.load) as load:
        start = time.monotonic()
        found["connected"] = int(load.read(CONNECT_SECONDS)["connected"])
        say(f"connected: {found['connected']} in {time.monotonic() - start:.1f} s")
        running.settle()
        memory["connected"] = running.memory()
        each = (memory["connected"]["VmRSS"] - memory["empty"]["VmRSS"]) / found["connected"]
        say(f"memory: {kilobytes(each)} a connection, {memory['connected']['VmRSS'] / 1e6:.0f} MB in all")
        for name, measure in (
            ("broadcast", lambda: load.ask("broadcast", ANSWER_SECONDS)),
            ("alone", lambda: echo(running, asked, cores, lambda: None)),
            ("both", lambda: echo(running, asked, cores, lambda: load.ask("broadcast", ANSWER_SECONDS))),
            ("hold", lambda: load.ask(f"hold {asked.hold}", asked.hold + ANSWER_SECONDS)),
        ):
            if name == "hold":
                say(f"heartbeats: all are answered for {asked.hold} s")
            found[name] = measure()
            say(f"{name}: {summary(found[name])}")
        memory["held"] = running.memory()
        found["drop"] = load.ask("drop", ANSWER_SECONDS)
        start = time.monotonic()
        running.settle(RETURN_SECONDS)
        say(f"all dropped at once: the server was done after {time.monotonic() - start:.1f} s")
        memory["dropped"] = running.memory()
    return found


def echo(
    running: Running, asked: argparse.Namespace, cores: Cores, meanwhile: Callable[[], Result | None]
) -> Result:
    """Measure the echoes of one client in a separate process, which shares only the server with the other clients."""
    options = ["--scenario", "echo", "--clients", "1", "--seconds", str(asked.seconds), "--warmup", "0.5"]
    broadcasts: list[float] = []
    with Load(running, options, cores.load) as load:
        while not load.has_answered:
            done = meanwhile()
            if done is None:
                break
            broadcasts.append(done["broadcast_max_us"])
        result = load.read(asked.seconds + ANSWER_SECONDS)
    found = {f"echo_{name}": result[name] for name in ("measured", "p50_us", "p99_us", "max_us")}
    if broadcasts:
        found |= {"broadcast_measured": len(broadcasts), "broadcast_p50_us": median(broadcasts)}
    return found


def summary(result: Result) -> str:
    """Describe a result in words."""
    shown = [f"{result['lost']} lost"] if result.get("lost") else []
    if result.get("echo_measured"):
        tail = ", ".join(
            f"{name} {microseconds(result[f'echo_{name}_us'])}" for name in ("p50", "p99", "max")
        )
        shown.append(f"{result['echo_measured']} echoes, {tail}")
    if result.get("broadcast_measured"):
        shown.append(f"{microseconds(result['broadcast_p50_us'])} until the last has a broadcast")
    if result.get("pings"):
        shown.append(f"{result['pings']} pings answered")
    return ", ".join(shown) or "nothing happened"


def returned(memory: dict[str, dict[str, int]]) -> float:
    """Return which share of the memory of the connections the server freed after they were dropped."""
    taken = memory["held"]["VmRSS"] - memory["empty"]["VmRSS"]
    return (memory["held"]["VmRSS"] - memory["dropped"]["VmRSS"]) / taken if taken > 0 else 0.0


def save(name: str, content: Result) -> None:
    """Write the results to a file, whose name contains the kind and the date."""
    places.RESULTS.mkdir(parents=True, exist_ok=True)
    path = places.RESULTS / f"{name}-{content['about']['date'].replace(':', '')}.json"
    path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    say(f"saved: {path.relative_to(places.ROOT)}")


def fill_sink(words: Sequence[str]) -> int:
    """Run the half without sockets, and print it. Return 1 if a program failed, else 0."""
    try:
        found = sink.measure(say)
    except FailedError as error:
        say(f"failed: {error}")
        return 1
    show(sink.table(found))
    save("sink", {"about": describe(install.versions(), words), **found})
    return 0


def hold_sockets(words: Sequence[str], asked: argparse.Namespace) -> int:
    """Run the half with sockets, and print it. Return 1 if a connection was lost or the run failed, else 0."""
    files = raise_file_limit()
    asked.clients = asked.clients or files - SPARE_FILES
    say(f"{asked.clients} connections ({files} open files are allowed), from {asked.sources} addresses")
    try:
        install.c()
    except install.MissingError as error:
        say(f"the load generator does not compile: {error}")
        return 1
    if missing := install.prepare([asked.server], say):
        return len(missing)
    about = describe(install.versions(), words)
    peer, cores = PEERS[asked.server], Cores.choose()
    try:
        with serving(peer.name, command(peer), environment(peer), cores.server) as running:
            found = drive(running, asked, cores)
    except FailedError as error:
        say(f"failed: {error}")
        return 1
    say(f"memory given back: {returned(found['memory']):.0%}")
    save("scale", {"about": about, "server": asked.server, **found})
    lost = int(found["hold"].get("lost", 0)) + asked.clients - int(found["connected"])
    if lost:
        say(f"{lost} connections are missing")
    return 1 if lost else 0


def main(words: Sequence[str]) -> int:
    """Run both halves, print the results and save them."""
    asked = arguments(words)
    failed = fill_sink(words) if asked.only != "sockets" else 0
    return hold_sockets(words, asked) or failed if asked.only != "sink" else failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
