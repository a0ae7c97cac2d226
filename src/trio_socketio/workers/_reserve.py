"""Descriptors that a worker keeps for the messages of its parent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Reserve"]

#: How many descriptors are kept. Each new worker takes one, and each that ends gives one back.
RESERVED = 4


class Reserve:
    """Keeps a few descriptors open, so that some are free when they are needed.

    A worker may have as many clients as it may have descriptors. Without a free one, it would miss the pair to a new
    worker, and from then on the events of that worker.
    """

    def __init__(self) -> None:
        self._kept: list[int] = []
        self._refill()

    def _refill(self) -> None:
        try:
            while len(self._kept) < RESERVED:
                self._kept.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:  # there are none; later, some may be free
            pass

    @contextmanager
    def free(self) -> Iterator[None]:
        """Let one more descriptor be free during this block."""
        if self._kept:
            os.close(self._kept.pop())
        try:
            yield
        finally:
            self._refill()

    def close(self) -> None:
        """Give up all descriptors."""
        while self._kept:
            os.close(self._kept.pop())
