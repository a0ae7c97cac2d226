"""Draws pictures of a record as SVG. This needs matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.peers import PEERS
from harness.results import Record
from harness.scenarios import CASES, CPU

#: The colour of each server.
COLOURS = {
    "ours": "#1f6f8b",
    "ours-def": "#68a6bd",
    "ours-stream": "#a9cfdc",
    "ours-guest": "#3f9c9c",
    "ours-speed": "#14495a",
    "ours-asgi": "#7fb3a3",
    "ours-asgi-speed": "#4f8a7a",
    "node": "#6a994e",
    "bun": "#d4a373",
    "psio-uvicorn": "#8d7bb5",
    "psio-aiohttp": "#b8abd4",
    "uvicorn-h11": "#a06ab4",
    "uvicorn-httptools": "#7b3f98",
    "hypercorn": "#c77d9b",
    "websockets-trio": "#c9a227",
    "bare": "#999999",
    "limit-send": "#bbbbbb",
    "limit-coalesced": "#777777",
}

#: File name, title, and the cases side by side.
BARS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "broadcast",
        "Deliveries per second, 16 broadcasts in flight",
        ("broadcast-100-16", "broadcast-1000-16", "broadcast-10000-16"),
    ),
    (
        "latency",
        "Time to the last recipient, one broadcast at a time (lower is better)",
        ("broadcast-100-1", "broadcast-1000-1", "broadcast-10000-1"),
    ),
    ("echo", "Echoes per second, 100 clients", ("echo-1", "echo-8", "polling-echo")),
    ("idle", "Memory of an idle connection (lower is better)", ("idle",)),
)


def draw(record: Record, folder: Path) -> list[Path]:
    """Draw the measurements, with one file for each topic.

    Raises:
        ImportError: matplotlib is not installed.
    """
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("svg")
    mpl.rcParams.update(
        {"svg.hashsalt": "trio-socketio", "svg.fonttype": "none", "font.family": "sans-serif"}
    )
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [_bars(record, folder / f"{name}.svg", title, cases) for name, title, cases in BARS]
    drawn.append(_growth(record, folder / "growth.svg"))
    return [path for path in drawn if path is not None]


def _bars(record: Record, path: Path, title: str, names: Sequence[str]) -> Path | None:
    """Draw a group of bars for each case, a bar for each server, and a line from the lowest to the highest round."""
    from matplotlib import pyplot as plt  # noqa: PLC0415

    measured = record.measured()
    cases = [case for case in CASES if case.name in names and case.name in measured]
    if not cases:
        return None
    figure, all_axes = plt.subplots(1, len(cases), figsize=(3.4 * len(cases), 3.2), squeeze=False)
    for axes, case in zip(all_axes[0], cases, strict=True):
        servers = sorted(measured[case.name], key=list(PEERS).index)
        spreads = [record.spread(case.name, server, case.metric.key) for server in servers]
        for at, (server, spread) in enumerate(zip(servers, spreads, strict=True)):
            if spread is None:
                continue
            axes.barh(at, spread.median, color=COLOURS[server])
            axes.plot([spread.low, spread.high], [at, at], color="black", linewidth=1)
            axes.text(spread.high, at, f" {case.metric.show(spread.median)}", va="center", fontsize=8)
        axes.set_yticks(range(len(servers)), [PEERS[server].title for server in servers], fontsize=8)
        axes.invert_yaxis()
        axes.margins(x=0.25)
        axes.set_xticks([])
        axes.set_title(case.name, fontsize=9)
        axes.spines[["top", "right", "bottom"]].set_visible(False)
    return _save(figure, path, title)


def _growth(record: Record, path: Path) -> Path | None:
    """Draw the processor time of a delivery by the number of clients."""
    from matplotlib import pyplot as plt  # noqa: PLC0415

    cases = {100: "broadcast-100-16", 1000: "broadcast-1000-16", 10_000: "broadcast-10000-16"}
    figure, axes = plt.subplots(figsize=(6, 3.2))
    for server, peer in PEERS.items():
        found = {clients: record.spread(case, server, CPU.key) for clients, case in cases.items()}
        known = {clients: spread.median for clients, spread in found.items() if spread}
        if len(known) > 1:
            axes.plot(list(known), list(known.values()), "o-", color=COLOURS[server], label=peer.title)
    if not axes.lines:
        plt.close(figure)
        return None
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("clients")
    axes.set_ylabel("µs")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=7, frameon=False)
    return _save(figure, path, "Processor time of the server for each delivery, 16 in flight")


def _save(figure: Any, path: Path, title: str) -> Path:
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure.suptitle(title, fontsize=10)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    plt.close(figure)
    return path
