"""Which clients, how they travel, and what they cannot do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Version = Literal["1.0", "1.2", "1", "2", "3", "4", "python 4", "python 5", "engine 3", "engine 6"]
Transport = Literal["polling", "websocket", "upgrade", "jsonp"]

#: The clients: what is installed for each.
RELEASES: dict[Version, str] = {
    "1": "socket.io-client 1.7.4",
    "2": "socket.io-client 2.5.0",
    "3": "socket.io-client 3.1.3",
    "4": "socket.io-client 4.8.3",
    "python 4": "python-socketio 4.6.1",
    "python 5": "python-socketio 5.18.0",
}

#: Clients of Engine.IO by itself.
ENGINE_RELEASES: dict[Version, str] = {
    "engine 3": "engine.io-client 3.5.6",
    "engine 6": "engine.io-client 6.6.8",
}
#: The bundles that run in Chromium, see ``tests/browser``. Under a current Node, 1.0.6 and 1.2.1 cannot send binary.
BUNDLES: dict[Version, str] = {
    "1.0": "socket.io-client 1.0.6",
    "1.2": "socket.io-client 1.2.1",
    "2": RELEASES["2"],
    "4": RELEASES["4"],
}
#: All clients, the oldest first.
CLIENTS: dict[Version, str] = {"1.0": BUNDLES["1.0"], "1.2": BUNDLES["1.2"], **RELEASES, **ENGINE_RELEASES}
TRANSPORTS: tuple[Transport, ...] = ("polling", "websocket", "upgrade")
WAYS: dict[Transport, list[str]] = {"upgrade": ["polling", "websocket"], "jsonp": ["polling"]}

#: Clients of Engine.IO revision 3 and Socket.IO protocol 4.
OLD: frozenset[Version] = frozenset({"1.0", "1.2", "1", "2", "python 4"})


def _all(versions: Iterable[Version], reason: str) -> dict[Version, str]:
    return dict.fromkeys(sorted(versions), reason)


HANGS_UP = "it may close the connection before it has sent the packet"
TWICE = "until it has upgraded, it encodes text in UTF-8 twice"

#: The capabilities that tests may need, and the clients that lack them, with the reason.
LACKS: dict[str, dict[Version, str]] = {
    "auth": _all(OLD, "protocol 4 carries no auth, only the query of a namespace other than the main one"),
    "retry": _all(OLD, "it never sends CONNECT for the main namespace, so a refusal there is final"),
    "timeout": _all({*OLD, "3"}, "it has no time limit for acknowledgements"),
    "query": _all(RELEASES.keys() - OLD, "protocol 5 carries auth instead"),
    "empty": _all({"python 4"}, "it treats an empty attachment as a missing one"),
    "farewell": _all({"python 4", "1.0"}, HANGS_UP),
    "unicode": _all({"1.0"}, "it encodes text in UTF-8 twice"),
}

#: What a client cannot do on one transport alone.
LACKS_ON: dict[tuple[str, Transport], dict[Version, str]] = {
    ("upgrade", "polling"): _all(RELEASES, "it was told to stay there"),
    ("upgrade", "websocket"): _all(RELEASES, "there is nothing to upgrade"),
    ("farewell", "websocket"): _all({"python 5"}, HANGS_UP),
    ("farewell", "upgrade"): _all({"python 5"}, HANGS_UP),
    ("unicode", "polling"): _all({"1"}, TWICE),
    ("unicode", "jsonp"): _all({"1.2"}, TWICE),
}


@dataclass(frozen=True)
class Combination:
    """A client and its transport."""

    version: Version
    transport: Transport

    def __str__(self) -> str:
        return f"{self.version.replace(' ', '')}-{self.transport}"

    @property
    def protocol(self) -> int:
        """The version of the Socket.IO protocol that it speaks."""
        return 4 if self.version in OLD else 5

    @property
    def revision(self) -> int:
        """The revision of the Engine.IO protocol."""
        return 3 if self.version == "engine 3" else self.protocol - 1

    @property
    def eio(self) -> str:
        """What it says in the parameter ``EIO``: 1.0 was of the time of revision 2, and speaks 3 as well."""
        return "2" if self.version == "1.0" else str(self.revision)

    @property
    def transports(self) -> list[str]:
        """The client's option of this name."""
        return WAYS.get(self.transport, [self.transport])

    @property
    def options(self) -> dict[str, Any]:
        """The client's options that make it travel so."""
        return {"transports": self.transports, **({"forceJSONP": True} if self.transport == "jsonp" else {})}

    @property
    def settled(self) -> str:
        """The transport it stays with."""
        return self.transports[-1]

    def can(self, *needs: str) -> bool:
        """Whether it has all that a test needs."""
        unknown = set(needs) - LACKS.keys() - {need for need, _ in LACKS_ON}
        assert not unknown, f"no client lacks {unknown}: see LACKS"
        return not any(
            self.version in LACKS.get(need, {}) or self.version in LACKS_ON.get((need, self.transport), {})
            for need in needs
        )


ALL = [Combination(version, transport) for version in RELEASES for transport in TRANSPORTS]

#: Those that run under Node; the Python ones take part in what ``test_matrix.py`` asks of everybody.
COMBINATIONS = [combination for combination in ALL if not combination.version.startswith("python")]

ENGINES = [Combination(version, transport) for version in ENGINE_RELEASES for transport in TRANSPORTS]
#: Those that run in Chromium; clients of version 3 and 4 have no JSONP.
IN_CHROMIUM = [
    Combination(version, transport)
    for version in BUNDLES
    for transport in (*TRANSPORTS, "jsonp")
    if transport != "jsonp" or version in OLD
]
