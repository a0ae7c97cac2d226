"""The exceptions that no error boundary stops."""

from __future__ import annotations

import trio

__all__ = ["PASSING", "passes"]

#: A boundary raises these again and reports all others, also those that are no ``Exception``, such as
#: ``asyncio.CancelledError``. Write ``except PASSING: raise`` before ``except BaseException``: a boundary that binds
#: ``Cancelled`` to a name and raises it again makes a reference cycle between the exception and its frames.
PASSING = (trio.Cancelled, KeyboardInterrupt, SystemExit, GeneratorExit)


def passes(error: BaseException) -> bool:
    """Whether an exception is one of ``PASSING``, or a group that contains one."""
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(PASSING) is not None
    return isinstance(error, PASSING)
