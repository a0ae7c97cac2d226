"""Which clients, and how they travel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Combination:
    """A version of the client, and how it travels."""

    version: Literal["3", "4"]
    transport: Literal["polling", "websocket", "upgrade"]

    def __str__(self) -> str:
        return f"client{self.version}-{self.transport}"

    @property
    def transports(self) -> list[str]:
        """The client's option of this name."""
        return ["polling", "websocket"] if self.transport == "upgrade" else [self.transport]

    @property
    def settled(self) -> str:
        """The transport it stays with."""
        return self.transports[-1]


COMBINATIONS = [
    Combination(version, transport)
    for version in ("4", "3")
    for transport in ("polling", "websocket", "upgrade")
]
