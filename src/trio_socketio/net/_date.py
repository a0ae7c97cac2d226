"""The Date field of responses (RFC 9110 section 6.6.1)."""

from __future__ import annotations

import functools
from email.utils import formatdate

__all__ = ["http_date"]


@functools.lru_cache(maxsize=1)
def _of_second(second: int) -> str:
    return formatdate(second, usegmt=True)


def http_date(now: float) -> str:
    """A time as HTTP writes it (RFC 9110 section 5.6.7). The text is made once for each second.

    Args:
        now: in seconds since 1970.
    """
    return _of_second(int(now))
