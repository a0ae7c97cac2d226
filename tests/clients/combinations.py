"""Which clients, how they travel, and what they cannot do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Version = Literal["1", "2", "3", "4", "python 4", "python 5"]
Transport = Literal["polling", "websocket", "upgrade"]

#: The clients: what is installed for each.
RELEASES: dict[Version, str] = {
    "1": "socket.io-client 1.7.4",
    "2": "socket.io-client 2.5.0",
    "3": "socket.io-client 3.1.3",
    "4": "socket.io-client 4.8.3",
    "python 4": "python-socketio 4.6.1",
    "python 5": "python-socketio 5.18.0",
}
TRANSPORTS: tuple[Transport, ...] = ("polling", "websocket", "upgrade")

#: Clients of Engine.IO revision 3 and Socket.IO protocol 4.
OLD: frozenset[Version] = frozenset({"1", "2", "python 4"})

#: What tests may need, and which clients do not have it, with the reason.
LACKS: dict[str, dict[Version, str]] = {
    "auth": dict.fromkeys(OLD, "protocol 4 carries no auth, only the query of a namespace"),
    "retry": dict.fromkeys(OLD, "it never asks for the main namespace, so a refusal there is final"),
    "timeout": dict.fromkeys(OLD | {"3"}, "it has no time limit for acknowledgements"),
    "ids": {"1": "it takes the session's id for the one of each namespace"},
    "hang-up reason": dict.fromkeys(OLD, "it says another reason when it ends the session itself"),
}

#: What a client cannot do on one transport alone.
LACKS_ON: dict[tuple[str, Transport], dict[Version, str]] = {
    ("upgrade", "polling"): dict.fromkeys(RELEASES, "it was told to stay there"),
    ("upgrade", "websocket"): dict.fromkeys(RELEASES, "there is nothing to upgrade"),
    ("unicode", "polling"): {"1": "it encodes text of a payload twice in UTF-8"},
}


@dataclass(frozen=True)
class Combination:
    """A client, and how it travels."""

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
        return self.protocol - 1

    @property
    def transports(self) -> list[str]:
        """The client's option of this name."""
        return ["polling", "websocket"] if self.transport == "upgrade" else [self.transport]

    @property
    def settled(self) -> str:
        """The transport it stays with."""
        return self.transports[-1]

    def can(self, *needs: str) -> bool:
        """Whether it has all that a test needs."""
        return not any(
            self.version in LACKS.get(need, {}) or self.version in LACKS_ON.get((need, self.transport), {})
            for need in needs
        )


ALL = [Combination(version, transport) for version in RELEASES for transport in TRANSPORTS]

#: Those that run under Node; the Python ones take part in what ``test_matrix.py`` asks of everybody.
COMBINATIONS = [combination for combination in ALL if not combination.version.startswith("python")]
