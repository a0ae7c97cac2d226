"""The error boundary around everything an application runs."""

from __future__ import annotations

from collections.abc import Callable

from trio_socketio.errors import Disconnected

__all__ = ["CONTAINED", "INTERRUPTS", "contain", "leaf", "unwrap", "without_disconnected"]

#: What ``contain`` is for. All else passes untouched: raised again, it and our frames would refer to each other.
CONTAINED = (Exception, BaseExceptionGroup)

#: What stops the program.
INTERRUPTS = (KeyboardInterrupt, SystemExit)


def leaf(error: BaseException) -> BaseException:
    """The one exception inside nested groups that hold nothing else."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def unwrap(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What our nursery has wrapped, as it was raised; an interrupt comes bare, however deep it was."""
    interrupts, rest = group.split(INTERRUPTS)
    if interrupts is not None and rest is None:
        return _first(interrupts)
    innermost = leaf(group)
    first, *others = group.exceptions
    return innermost if others or not isinstance(innermost, Exception) else first


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


def _first(error: BaseException) -> BaseException:
    """The first exception in nested groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def contain(
    error: BaseException,
    report: Callable[[Exception], None],
    interrupted: Callable[[BaseException], None] | None = None,
) -> None:
    """Report what is an application's error, and raise again what is not: ``Cancelled``, interrupts.

    In a group each part goes its own way.

    Args:
        error: what was raised.
        report: is told an application's error.
        interrupted: is told an interrupt, instead of raising it again.
    """
    if isinstance(error, BaseExceptionGroup):
        errors, rest = error.split(Exception)
        if rest is not None and interrupted is not None:
            interrupts, rest = rest.split(INTERRUPTS)
            if interrupts is not None:
                interrupted(_first(interrupts))
            del interrupts
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
