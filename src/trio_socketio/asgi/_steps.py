"""Measures how long the steps of a coroutine take, to find applications that block the loop."""

from __future__ import annotations

import time
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

__all__ = ["HELD_SECONDS", "measured"]

#: A step that takes longer than this, in seconds, is reported. Nothing else runs meanwhile.
HELD_SECONDS = 0.1


@types.coroutine
def measured(
    coroutine: Coroutine[Any, Any, None], held: Callable[[float], None]
) -> Generator[Any, Any, None]:
    """Run a coroutine, and call ``held`` with the seconds of each step that takes longer than ``HELD_SECONDS``."""
    answer: object = None
    error: BaseException | None = None
    while True:
        begin = time.perf_counter()
        try:
            trap = coroutine.send(answer) if error is None else coroutine.throw(error)
        except StopIteration:
            return
        finally:
            error = None  # its traceback refers to this frame
            seconds = time.perf_counter() - begin
            if seconds > HELD_SECONDS:
                held(seconds)
        try:
            answer = yield trap
        except BaseException as thrown:
            error = thrown
