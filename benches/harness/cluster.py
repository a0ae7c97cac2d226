"""The measurements of clusters: messages through Redis, broadcasts of two servers, and workers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from harness import places
from harness.processes import Cores, Load, Result, Running
from harness.programs import Program, program, redis

#: The servers: ours, and Node's with two clients of Redis; with their commands.
SERVERS: dict[str, tuple[str, ...]] = {
    "ours": (sys.executable, str(places.SERVERS / "cluster_ours.py")),
    "redis@6": ("node", str(places.SERVERS / "cluster_node.mjs"), "--client", "redis"),
    "ioredis": ("node", str(places.SERVERS / "cluster_node.mjs"), "--client", "ioredis"),
}

#: How many events are emitted at a time, and how often.
BURSTS = {1: 3000, 16: 1000, 100: 300}

CLIENTS, IN_FLIGHT = 1000, 16
PATIENCE_SECONDS = 60.0


def environment() -> dict[str, str]:
    """Return the environment variables of the servers."""
    return {**os.environ, "BENCH_PACKAGES": str(places.NODE / "package.json"), "NODE_ENV": "production"}


def start(name: str, *options: str, core: int | None) -> AbstractContextManager[Program]:
    """Start a server of a cluster."""
    return program(f"cluster-{name}", [*SERVERS[name], *options], environment(), core)


@contextmanager
def two(name: str, cores: Cores) -> Iterator[tuple[Program, Program]]:
    """Run two servers on one Redis. Both have the same core, and Redis has that of the load generator."""
    with ExitStack() as stack:
        url = stack.enter_context(redis(cores.load))
        one = stack.enter_context(start(name, "--redis", url, core=cores.server))
        other = stack.enter_context(start(name, "--redis", url, core=cores.server))
        for server in (one, other):  # so that Node compiles what it uses often
            server.ask("burst 16 300")
            server.ask("burst 100 50")
            server.ask("bus 100 50")
        yield one, other


def messages(name: str, cores: Cores) -> dict[int, Result]:
    """Measure the processor time of a message that one server publishes, and that the other one receives.

    The sender waits until all messages in flight have come back from Redis, and ignores them. Neither server has
    clients. The time is that of the whole process.

    Returns:
        By the number of messages in flight: ``publish_us`` for an ``emit``; ``bus_us`` for the same event, encoded
        before, which leaves the client of Redis and the own message that comes back; and ``receive_us``.
    """
    found = {}
    with two(name, cores) as (sender, receiver):
        for size, number in BURSTS.items():
            before = receiver.cpu_us()
            sent = sender.ask(f"burst {size} {number}")
            receiver.running.settle()
            received = receiver.cpu_us() - before
            alone = sender.ask(f"bus {size} {number}")
            found[size] = {
                "publish_us": float(sent["cpu_us"]) / int(sent["messages"]),
                "bus_us": float(alone["cpu_us"]) / int(alone["messages"]),
                "receive_us": received / (size * number),
            }
    return found


def broadcast(name: str, cores: Cores, seconds: float) -> Result:
    """Broadcast to 1000 clients of each of two servers; returns the processor time of a delivery of both."""
    with two(name, cores) as (one, other):
        clients = ["--clients", str(CLIENTS), "--payload", "64"]
        with Load(other.running, ["--scenario", "receive", *clients], cores.load) as there:
            there.read(PATIENCE_SECONDS)
            before = one.cpu_us(), other.cpu_us()
            options = ["--scenario", "broadcast", "--in-flight", str(IN_FLIGHT), *clients]
            options += ["--seconds", str(seconds), "--warmup", "0.4"]
            with Load(one.running, options, cores.load) as here:
                result = here.read(seconds + PATIENCE_SECONDS)
            other.running.settle()
            after = one.cpu_us(), other.cpu_us()
            received = there.finish(PATIENCE_SECONDS)
    deliveries = int(result["deliveries"])
    return {
        "rate": result["rate"],
        "sender_us": (after[0] - before[0]) / deliveries,
        "receiver_us": (after[1] - before[1]) / max(int(received["deliveries"]), 1),
        "missing": deliveries - int(received["deliveries"]),
        "errors": int(result["errors"]) + int(received["errors"]),
    }


def local(has_adapter: bool, cores: Cores, seconds: float) -> Result:
    """Measure a broadcast to 1000 local clients of our server, with or without the adapter."""
    with ExitStack() as stack:
        words = ["--local"]
        if has_adapter:
            words += ["--redis", stack.enter_context(redis(cores.load))]
        server = stack.enter_context(start("ours", *words, core=cores.server))
        options = ["--scenario", "broadcast", "--clients", str(CLIENTS), "--in-flight", str(IN_FLIGHT)]
        options += ["--payload", "64", "--seconds", str(seconds), "--warmup", "0.4"]
        with Load(server.running, options, cores.load) as load:
            return load.read(seconds + PATIENCE_SECONDS)


def workers(number: int, cores: Cores, seconds: float) -> Result:
    """Measure echoes of 100 clients over some workers: the processor time of all processes for each."""
    words = [sys.executable, "-m", "trio_socketio", "serve", "workers_application:io"]
    words += ["--workers", str(number), "--port", "0"]
    variables = {**environment(), "PYTHONPATH": _path(places.SERVERS), "PYTHONUNBUFFERED": "1"}
    with program(f"workers-{number}", words, variables, None) as server:
        options = ["--scenario", "echo", "--clients", "100", "--depth", "1", "--payload", "64"]
        options += ["--seconds", str(seconds), "--warmup", "0.4"]
        before = tree_seconds(server.running.pid)
        with Load(server.running, options, cores.load) as load:
            result = load.read(seconds + PATIENCE_SECONDS)
        spent = tree_seconds(server.running.pid) - before
    return {"rate": result["rate"], "echo_us": spent * 1e6 / int(result["deliveries"])}


def _path(folder: Path) -> str:
    return os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))


def tree_seconds(pid: int) -> float:
    """Return the processor time of a process and of its children that run, in seconds."""
    spent = Running(pid, 0).cpu_seconds()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:  # the process has ended meanwhile
            continue
        if parent == pid:
            spent += tree_seconds(int(path.parent.name))
    return spent
