"""SIGINT while a server runs: what Trio makes of it, and what a second one means."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

import trio

__all__ = ["Interrupts"]


class Interrupts:
    """Sees each SIGINT before Trio's handler, which decides where ``KeyboardInterrupt`` is raised.

    The tasks of a server are protected, so Trio raises it in the main task, and the server stops as if it were
    cancelled. A SIGINT that comes while the server stops ends its grace; Trio alone would not tell a main task that
    waits for a nursery. One that comes before Trio could act on the former is raised at once: a handler blocks the
    loop.

    Nothing is installed outside the main thread, or where SIGINT is not handled in Python.

    Args:
        is_stopping: whether the server stops.
        again: called in a Trio task when a SIGINT has come while it stops.

    Attributes:
        former: the handler that was installed before; None: nothing is installed here.
        is_over: whether the server has stopped.
    """

    def __init__(self, is_stopping: Callable[[], bool], again: Callable[[], None]) -> None:
        self._is_stopping = is_stopping
        self._again = again
        self._token = trio.lowlevel.current_trio_token()
        self.former: Any = None
        self._is_pending = False
        self.is_over = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            former = signal.getsignal(signal.SIGINT)
            if callable(former) and former is not signal.default_int_handler:
                self.former = former
                signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over = True
        if self.former is None:
            return
        while True:  # another server may have begun later and end later
            owner = getattr(signal.getsignal(signal.SIGINT), "__self__", None)
            if not isinstance(owner, Interrupts) or not owner.is_over:
                return
            signal.signal(signal.SIGINT, owner.former)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self.is_over:
            if self._is_pending:
                raise KeyboardInterrupt
            self._is_pending = True
            self._token.run_sync_soon(self._seen, self._is_stopping())
        self.former(number, frame)

    def _seen(self, is_second: bool) -> None:
        self._is_pending = False
        if is_second:
            self._again()
