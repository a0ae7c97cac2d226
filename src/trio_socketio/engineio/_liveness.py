"""Whether a client whose answer to a ping is due may still be alive, because it receives what is sent to it.

A ping arrives behind everything that was sent before it, so on a slow link its answer is late. What tells such a
client from one that is gone: it goes on acknowledging bytes. Bytes that only our kernel has taken say nothing.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["LITTLE", "Delivery", "Look", "first_look", "look"]

#: So many bytes never delay a ping by much. A kilobyte in a ping timeout is also what shows life the other way round.
LITTLE = 1024


class Delivery(NamedTuple):
    """How far a client has received what was written to its connection."""

    acknowledged: int  #: bytes, from any origin
    outstanding: int  #: bytes written and not acknowledged
    quiet: float | None = None  #: seconds since it last acknowledged anything; None: unknown


class Look(NamedTuple):
    """What was seen when a deadline had passed, for comparison at the next one."""

    acknowledged: int
    end: int  #: what ``acknowledged`` is once all that was on its way has arrived
    is_last: bool  #: the ping has arrived, so there is no further reason to wait


def first_look(delivery: Delivery, queued: int) -> Look:
    """What to compare with later, when nothing is overdue yet; arguments as for ``look``."""
    end = delivery.acknowledged + delivery.outstanding + queued
    return Look(delivery.acknowledged, end, is_last=False)


def look(
    last: Look | None, delivery: Delivery, queued: int, timeout: float, *, is_behind: bool
) -> tuple[float, Look] | None:
    """Decide about a client that has not answered in time.

    Args:
        last: what was seen at the deadline before this one, if this wait has had one.
        delivery: what is seen now.
        queued: how many bytes are to be written behind that.
        timeout: how long an answer may take, in seconds.
        is_behind: whether there was much before the ping when it was sent.

    Returns:
        How many seconds to wait on, and what to pass as ``last`` then; None: the client is gone.
    """
    acknowledged, outstanding, quiet = delivery
    outstanding += queued
    is_little = outstanding <= LITTLE
    if last is not None:
        if last.is_last or acknowledged == last.acknowledged:
            return None
        is_last = is_little or acknowledged >= last.end
        return timeout, Look(acknowledged, acknowledged + outstanding, is_last)
    if not is_behind or (quiet is not None and quiet >= timeout):
        return None
    seen = Look(acknowledged, acknowledged + outstanding, is_little)
    return (timeout - quiet if is_little and quiet is not None else timeout), seen
