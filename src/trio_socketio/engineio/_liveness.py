"""The decision whether a client that has not answered a ping in time is still alive.

A ping arrives after all bytes that were sent before it, so on a slow link its answer is late. A client on a slow link
goes on acknowledging bytes (TCP), a client that is gone does not. Bytes that only our own kernel has taken prove
nothing.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["LITTLE", "Delivery", "Look", "first_look", "is_late", "look"]

#: This many bytes before a ping never delay it by much. In the other direction, too, a kilobyte from the client per
#: ping timeout counts as a sign of life.
LITTLE = 1024

#: A timer that is handled too late shows that the server was blocked. "Too late" is more than this fraction of the time
#: that the timer waits, and more than this number of seconds.
LATE, MIN_LATE = 1 / 8, 0.05


class Delivery(NamedTuple):
    """How far a client has received what was written to its connection."""

    acknowledged: int  #: bytes acknowledged; only differences between two values have a meaning
    outstanding: int  #: bytes written and not acknowledged
    quiet: float | None = None  #: seconds since it last acknowledged anything; None: unknown


class Look(NamedTuple):
    """The progress of a client when a deadline had passed. It is compared with the progress at the next deadline."""

    acknowledged: int
    end: int  #: the value of ``acknowledged`` after all bytes that were outstanding have arrived
    is_last: bool  #: the ping has arrived, so this is the last wait


def is_late(seconds: float, interval: float) -> bool:
    """Return whether a timer is handled so late that the server was blocked, and input may wait unread in the kernel.

    Args:
        seconds: how long ago the timer was due.
        interval: how long the timer waits, in seconds.
    """
    return seconds > max(interval * LATE, MIN_LATE)


def first_look(delivery: Delivery, queued: int) -> Look:
    """Note the progress of a client while no answer is overdue. The arguments are those of ``look``."""
    end = delivery.acknowledged + delivery.outstanding + queued
    return Look(delivery.acknowledged, end, is_last=False)


def look(
    last: Look | None, delivery: Delivery, queued: int, timeout: float, *, is_behind: bool
) -> tuple[float, Look] | None:
    """Decide whether to wait longer for a client that has not answered in time.

    Args:
        last: the previous look during this wait; None: there was none.
        delivery: the progress of the client now.
        queued: how many bytes are queued and not yet written.
        timeout: how long an answer may take, in seconds.
        is_behind: whether many bytes were still to arrive before the ping when it was sent.

    Returns:
        How many seconds to wait, and the look to pass as ``last`` after that. None: the client is gone.
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
