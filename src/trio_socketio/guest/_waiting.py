"""Wait in asyncio, also while the waiting task is cancelled."""

from __future__ import annotations

import asyncio
import math
from typing import Any

__all__ = ["wait_for_end"]


async def wait_for_end(
    future: asyncio.Future[Any], grace: float, *, is_cancelled: bool
) -> asyncio.CancelledError | None:
    """Wait until a future is done. From the first cancellation on, wait for at most ``grace`` seconds.

    Args:
        future: the future. It is not cancelled.
        grace: how long to wait for a cancelled task, in seconds.
        is_cancelled: whether the waiting task is cancelled already.

    Returns:
        The last exception that has cancelled the wait, which the caller must raise; None if there was none.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + grace if is_cancelled else math.inf
    cancelled: asyncio.CancelledError | None = None
    while not future.done() and loop.time() < deadline:
        try:
            await asyncio.wait([future], timeout=None if deadline == math.inf else deadline - loop.time())
        except asyncio.CancelledError as error:
            cancelled = error
            deadline = min(deadline, loop.time() + grace)
    return cancelled
