"""The cases: what is measured, with which servers, and which figure counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from harness.figures import human, kilobytes, microseconds


@dataclass(frozen=True, slots=True)
class Metric:
    """The figure that a case compares.

    Attributes:
        key: its name in a result.
        title: its name in a table.
        show: formats it.
        higher: whether a higher figure is better.
    """

    key: str
    title: str
    show: Callable[[float], str]
    higher: bool = True


RATE = Metric("rate", "per second", human)
LAST = Metric("p50_us", "p50 to the last", microseconds, higher=False)
MEMORY = Metric("rss_bytes_per_connection", "memory a connection", kilobytes, higher=False)
CPU = Metric("server_cpu_us_per_delivery", "CPU a delivery", microseconds, higher=False)
ECHO_P99 = Metric("echo_p99_us", "p99 of another client", microseconds, higher=False)
CPU_CLIENT = Metric("server_cpu_us_per_delivery", "CPU a client", microseconds, higher=False)


@dataclass(frozen=True, slots=True)
class Case:
    """One run of the load generator.

    Attributes:
        name: the name of the case. ``--only`` selects cases by their names or the beginnings of these.
        scenario: the scenario of the load generator.
        options: the other arguments of the load generator.
        metric: the figure that counts.
        servers: the servers that are measured in every round.
        once: the servers that are measured in the first round only, because they are slow, or far from ours.
        limits: whether the two servers without Socket.IO logic support this case.
        windows: how many times longer than usual the window is.
        usual: whether it is measured unless other cases are named.
        reference: the server to which the others are compared.
    """

    name: str
    scenario: str
    options: tuple[str, ...]
    servers: tuple[str, ...]
    once: tuple[str, ...] = ()
    metric: Metric = RATE
    limits: bool = True
    windows: float = 1.0
    usual: bool = True
    reference: str = "ours"


PYTHON = ("psio-uvicorn", "psio-aiohttp")
LIMITS = ("limit-send", "limit-coalesced")
MAIN = ("ours", "node", "bun")

#: A client without options, in a browser.
BROWSER = ("--transport", "default", "--agent", "browser")

#: The servers that support only a few cases: these, and none for the limits where a case says so.
SUPPORTED = {
    "bare": ("connect", "connect-default", "connect-default-node"),
    "websockets-trio": ("connect", "echo-1", "echo-8"),
    **dict.fromkeys(("uvicorn-h11", "uvicorn-httptools", "hypercorn"), ("asgi-hello",)),
}


def _broadcasts() -> Iterable[Case]:
    """Yield the broadcasts to different numbers of clients: one at a time (latency), and 16 in flight (throughput)."""
    for clients, servers, once in (
        (100, ("ours",), ("node", "bun", "psio-uvicorn", *LIMITS)),
        (1000, MAIN, ("ours-guest", "psio-uvicorn")),
        (10_000, ("ours",), ("node", "bun", "limit-coalesced")),
    ):
        for in_flight, limit, metric in ((1, "limit-send", LAST), (16, "limit-coalesced", RATE)):
            every = (*servers, limit) if clients == 1000 else servers
            first = (*once, *(name for name in LIMITS if name not in every)) if clients == 1000 else once
            if clients == 10_000 and in_flight == 1:
                every, first = (), (*servers, *once)
            options = ("--clients", str(clients), "--in-flight", str(in_flight), "--payload", "64")
            yield Case(
                f"broadcast-{clients}-{in_flight}",
                "broadcast",
                options,
                every,
                first,
                metric,
                windows=2.0 if clients == 10_000 else 1.0,
            )


def _payloads() -> Iterable[Case]:
    """Yield broadcasts with payloads of different sizes and kinds: 1000 clients, 16 in flight (1 for the largest)."""
    for size, binary in ((16, False), (1024, False), (16_384, False), (64, True), (1024, True)):
        in_flight = "1" if size > 10_000 else "16"
        options = ("--clients", "1000", "--in-flight", in_flight, "--payload", str(size))
        name = f"payload-{size}{'-binary' if binary else ''}"
        yield Case(name, "broadcast", (*options, *(["--binary"] if binary else [])), (), MAIN)


def _beside_asgi(cases: Iterable[Case]) -> Iterable[Case]:
    """Yield some cases of the engine with an ASGI application beside it, and the requests of the application."""
    for case in cases:
        if case.name in ("echo-1", "broadcast-1000-16", "connect", "polling-echo"):
            name = f"asgi-{case.name}"
            yield replace(case, name=name, servers=("ours", "ours-asgi"), once=(), limits=False, usual=False)
    servers = ("ours-asgi", "ours-asgi-speed", "uvicorn-h11", "uvicorn-httptools", "hypercorn")
    options = ("--clients", "64")
    yield Case(
        "asgi-hello", "http", options, servers, limits=False, windows=2.0, usual=False, reference="ours-asgi"
    )


def _default_connects() -> Iterable[Case]:
    """Yield the connects of clients without options: polling, upgraded; in a browser, and in Node.

    The number of clients is fixed instead of the time, because Node's compiler needs thousands to warm up.
    """
    servers = ("ours", "ours-speed", "bare", "node", *PYTHON)
    for name, agent in (("connect-default", "browser"), ("connect-default-node", "node")):
        options = ("--transport", "default", "--agent", agent, "--concurrency", "64", "--connects", "5000")
        every, once = (servers, ("bun",)) if agent == "browser" else ((), (*servers, "bun"))
        yield Case(name, "connect", options, every, once, CPU_CLIENT, limits=False, usual=False)


def _storms() -> Iterable[Case]:
    """Yield the storms of default clients, beside another client with a WebSocket or one that polls."""
    options = (*BROWSER, "--clients", "10001", "--concurrency", "1000", "--sources", "8")
    every = ("ours", "ours-speed", "node")
    storm = Case(
        "storm", "storm", options, every, ("bun", *PYTHON), ECHO_P99, limits=False, windows=5.0, usual=False
    )
    yield storm
    options = (*options, "--innocent-polls")
    yield replace(storm, name="storm-polling", options=options, servers=every[:2], once=every[2:])


_ENGINE: tuple[Case, ...] = (
    *_broadcasts(),
    *_payloads(),
    Case("rooms", "rooms", ("--clients", "1000", "--rooms", "100"), (), (*MAIN, "limit-coalesced")),
    *(
        Case(
            f"echo-{depth}",
            "echo",
            ("--clients", "100", "--depth", str(depth), "--payload", "64"),
            ("ours", "ours-def", "ours-guest", "node", "bun"),
            ("psio-uvicorn", "psio-aiohttp", "websockets-trio", "limit-send"),
        )
        for depth in (1, 8)
    ),
    Case("ack-1", "ack", ("--clients", "100", "--depth", "1"), (), ("ours", "ours-def", "node", "bun")),
    Case(
        "connect",
        "connect",
        ("--concurrency", "16"),
        (*MAIN, *PYTHON, "ours-speed", "bare"),
        ("websockets-trio", "limit-send"),
    ),
    *_default_connects(),
    Case(
        "connect-tls",
        "connect",
        ("--tls", "--concurrency", "16"),
        (*MAIN, *PYTHON),
        limits=False,
        windows=2.0,
        usual=False,
    ),
    *_storms(),
    Case("idle", "idle", ("--clients", "2000"), ("ours", "bun"), ("node", *PYTHON), MEMORY),
    Case(
        "polling-echo",
        "echo",
        ("--transport", "polling", "--clients", "100", "--depth", "1"),
        ("ours", "ours-speed", "node", *PYTHON),
        ("bun",),
        limits=False,
    ),
    Case(
        "polling-broadcast",
        "broadcast",
        ("--transport", "polling", "--clients", "100", "--in-flight", "1"),
        (),
        (*MAIN, *PYTHON),
        limits=False,
    ),
    Case("mixed", "mixed", ("--clients", "1000", "--in-flight", "4"), (), MAIN),
)

CASES: tuple[Case, ...] = (*_ENGINE, *_beside_asgi(_ENGINE))


@dataclass(frozen=True, slots=True)
class Turn:
    """One planned measurement."""

    case: Case
    server: str
    number: int


def supports(server: str, case: Case) -> bool:
    """Return whether a server supports a case."""
    if server in LIMITS:
        return case.limits
    return server not in SUPPORTED or case.name in SUPPORTED[server]


def plan(cases: Iterable[Case], rounds: int, servers: tuple[str, ...] | None = None) -> list[Turn]:
    """List all measurements in order: by case, then by round. Each round begins with the next server.

    Args:
        cases: the cases.
        rounds: the number of rounds.
        servers: measure exactly these in every round, if they support the case; None: the servers of each case.
    """
    turns = []
    for case in cases:
        for number in range(rounds):
            if servers is None:
                names = [*case.servers, *(case.once if number == 0 else ())]
            else:
                names = [name for name in servers if supports(name, case)]
            start = number % max(len(names), 1)
            turns += [Turn(case, name, number) for name in names[start:] + names[:start]]
    return turns


def usual(cases: Iterable[Case], *, everything: bool) -> list[Case]:
    """Return the usual cases, or `everything`."""
    return [case for case in cases if everything or case.usual]


def select(words: Iterable[str]) -> list[Case]:
    """Return the cases that have one of `words` as their name, or whose names begin with one that is no name.

    Raises:
        ValueError: a word selects nothing. The message lists all names.
    """
    chosen: list[Case] = []
    for word in words:
        begun = [case for case in CASES if case.name.startswith(word)]
        found = [case for case in begun if case.name == word] or begun
        if not found:
            raise ValueError(
                f"no case begins with {word!r}; there are {', '.join(case.name for case in CASES)}"
            )
        chosen += found
    return [case for case in CASES if case in chosen]
