"""Let a worker never outlive its parent, not even if the application blocks its event loop."""

from __future__ import annotations

import os
import select
import threading
import time

__all__ = ["end_with_parent"]

#: How long a worker may run after the end of its parent, in seconds.
LONGEST_STOP = 15.0


def end_with_parent(descriptor: int, timeout: float = LONGEST_STOP) -> None:
    """Start a thread that ends this process after its parent has ended. It costs nothing until then.

    Args:
        descriptor: one end of a socketpair, of which only the parent has the other end.
        timeout: how long the process has to stop by itself, in seconds.
    """
    copy = os.dup(descriptor)  # the thread needs it until the process ends
    threading.Thread(target=_wait, args=(copy, timeout), name="lifeline", daemon=True).start()


def _wait(descriptor: int, timeout: float) -> None:
    ended = select.poll()
    ended.register(descriptor, 0)  # reports only that the other end is closed
    ended.poll()
    time.sleep(timeout)
    os._exit(1)
