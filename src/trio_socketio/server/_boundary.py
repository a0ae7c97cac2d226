"""The error boundary around everything an application runs."""

from __future__ import annotations

from collections.abc import Callable

from trio_socketio.errors import Disconnected

__all__ = ["CONTAINED", "contain", "leaf", "unwrap", "without_disconnected"]

#: What ``contain`` is for. All else passes untouched: raised again, it and our frames would refer to each other.
CONTAINED = (Exception, BaseExceptionGroup)


def leaf(error: BaseException) -> BaseException:
    """The one exception inside nested groups that hold nothing else."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def unwrap(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What our nursery has wrapped, as it was raised; an interrupt comes bare, however deep it was."""
    innermost = leaf(group)
    if not isinstance(innermost, Exception) or len(group.exceptions) > 1:
        return innermost
    return group.exceptions[0]


def without_disconnected(error: Exception) -> Exception | None:
    """The error of a handler whose client has gone, without what says just that; None if nothing is left."""
    if isinstance(error, Disconnected):
        return None
    if not isinstance(error, ExceptionGroup):
        return error
    rest = error.split(Disconnected)[1]
    left = None if rest is None else leaf(rest)
    assert left is None or isinstance(left, Exception)
    return left


def contain(error: BaseException, report: Callable[[Exception], None]) -> None:
    """Report what is an application's error, and raise again what is not: ``Cancelled``, interrupts.

    In a group each part goes its own way.
    """
    if isinstance(error, BaseExceptionGroup):
        errors, rest = error.split(Exception)
        if errors is not None:
            reported = leaf(errors)
            assert isinstance(reported, Exception)
            report(reported)
        if rest is not None:
            try:
                raise rest
            finally:
                del (
                    error,
                    rest,
                )  # their tracebacks refer to this frame: nothing shall be left for the collector
    elif isinstance(error, Exception):
        report(error)
    else:
        raise error
