"""Handle SIGINT while a server runs: the first one stops the server, the second one cuts the stop short."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

import trio

from trio_socketio.serving._host_loop import HOST_CALL_SOON

__all__ = ["Interrupts"]


class Interrupts:
    """A handler for SIGINT that runs before Trio's handler. Trio decides where ``KeyboardInterrupt`` is raised.

    The tasks of a server are protected, so Trio raises it in the main task, and the server stops as if it were
    cancelled. A SIGINT during the stop ends the grace, because Trio alone would not interrupt a main task that waits
    for a nursery. If the previous SIGINT is still pending, a handler blocks the loop, so ``KeyboardInterrupt`` is
    raised at once.

    If Trio is a guest of another loop, the previous handler runs in that loop, not in the interrupted code: handlers of
    asyncio raise ``KeyboardInterrupt`` at a second SIGINT, wherever Trio is.

    Nothing is installed outside the main thread, or if SIGINT has no Python handler or only Python's default one.

    Args:
        is_stopping: returns whether the server is stopping.
        again: called in a Trio task after a SIGINT that came while the server was stopping.

    Attributes:
        former: the handler that was installed before; None if nothing was installed.
        is_over: whether the server has stopped.
    """

    def __init__(self, is_stopping: Callable[[], bool], again: Callable[[], None]) -> None:
        self._is_stopping = is_stopping
        self._again = again
        self._token = trio.lowlevel.current_trio_token()
        self._call_in_host = HOST_CALL_SOON.get()
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
        while True:  # another server may have started later and may still run: leave its handler in place
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
            if self._call_in_host is not None:
                self._call_in_host(self.former, number, frame)
                return
        self.former(number, frame)

    def _seen(self, is_second: bool) -> None:
        self._is_pending = False
        if is_second:
            self._again()
