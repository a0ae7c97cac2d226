"""The error boundary around the handlers and tasks of an application."""

from __future__ import annotations

from collections.abc import Callable

from trio_socketio._passing import PASSING
from trio_socketio.errors import Disconnected

__all__ = ["INTERNAL_ERROR", "INTERRUPTS", "contain", "leaf", "unwrap", "without_disconnected"]

#: What clients and other servers are told of an exception of a handler.
INTERNAL_ERROR = "Internal server error"

#: Exceptions that stop the program.
INTERRUPTS = (KeyboardInterrupt, SystemExit)


def leaf(error: BaseException) -> BaseException:
    """Unwrap nested groups that contain a single exception, and return that exception."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def unwrap(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the single exception that our nursery wrapped, or else the group. Of interrupts, return the first."""
    interrupts, rest = group.split(INTERRUPTS)
    if interrupts is not None and rest is None:
        return _first(interrupts)
    innermost = leaf(group)
    first, *others = group.exceptions
    return innermost if others or not isinstance(innermost, Exception) else first


def without_disconnected(error: Exception) -> Exception | None:
    """Remove ``Disconnected`` from the error of a handler whose client has disconnected; None if nothing is left."""
    if isinstance(error, Disconnected):
        return None
    if not isinstance(error, ExceptionGroup):
        return error
    rest = error.split(Disconnected)[1]
    left = None if rest is None else leaf(rest)
    assert left is None or isinstance(left, Exception)
    return left


def _first(error: BaseException) -> BaseException:
    """Return the first exception in nested groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _as_exception(error: BaseException) -> Exception:
    """Return an error of the application, wrapped if it is no ``Exception``: hooks and callers expect one."""
    if isinstance(error, Exception):
        return error
    wrapped = RuntimeError(f"{type(error).__qualname__} was raised, which is not an Exception")
    wrapped.__cause__ = error
    return wrapped


def contain(
    error: BaseException,
    report: Callable[[Exception], None],
    interrupted: Callable[[BaseException], None] | None = None,
) -> None:
    """Report an error of the application, and raise the ``PASSING`` exceptions again.

    A group is split: its errors are reported, and the rest of it is raised again. An error that is no ``Exception``,
    such as ``asyncio.CancelledError``, is reported as the cause of a ``RuntimeError``.

    Args:
        error: the exception that was raised; outside of groups, none of ``PASSING``.
        report: called with the error of the application.
        interrupted: called with the first interrupt of a group, which is not raised again then.
    """
    if not isinstance(error, BaseExceptionGroup):
        report(_as_exception(error))
        return
    rest, errors = error.split(PASSING)
    if rest is not None and interrupted is not None:
        interrupts, rest = rest.split(INTERRUPTS)
        if interrupts is not None:
            interrupted(_first(interrupts))
        del interrupts
    if errors is not None:
        report(_as_exception(leaf(errors)))
    if rest is not None:
        try:
            raise rest
        finally:
            # Their tracebacks refer to this frame: break the reference cycle.
            del error, rest
