"""Packets between two processes: bytes and descriptors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["BadPacket", "Packet", "close_all"]


class BadPacket(Exception):
    """A received packet is ignored. Its descriptors are closed.

    Args:
        kind: the kind of its defect, under which it is counted.

    Attributes:
        is_large: whether its content is in a memfd.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind
        self.is_large = False


class Packet(NamedTuple):
    """A received packet. Its taker closes the descriptors."""

    kind: int
    content: bytes
    descriptors: tuple[int, ...] = ()
    is_large: bool = False  #: whether the content was in a memfd


def close_all(descriptors: Sequence[int]) -> None:
    """Close descriptors."""
    for descriptor in descriptors:
        os.close(descriptor)
