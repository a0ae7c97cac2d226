"""Refuses calls from outside a Trio task, before they have any effect."""

from __future__ import annotations

from trio.lowlevel import in_trio_task

__all__ = ["emit_outside", "require_task", "require_task_to_call", "require_task_to_emit"]

WAYS = "from another thread call from_thread.{0}, on the server's own thread from_thread.{0}_soon"


def emit_outside(call: str, way: str = "emit") -> RuntimeError:
    """Return the error for an emit that was called outside a Trio task.

    Args:
        call: the method that was called.
        way: the method of ``from_thread`` that does the same.
    """
    return RuntimeError(f"{call} was called outside a Trio task: {WAYS.format(way)}")


def require_task_to_emit(call: str) -> None:
    """Check that the caller is a Trio task.

    Raises:
        RuntimeError: the caller is another thread, or a callback on Trio's thread. The message names ``from_thread``.
    """
    if not in_trio_task():
        raise emit_outside(call)


def require_task_to_call(call: str) -> None:
    """Check the same for an async method that ``from_thread`` does not have."""
    if not in_trio_task():
        raise RuntimeError(
            f"{call} was called outside a Trio task: from another thread call it with trio.from_thread.run"
        )


def require_task(call: str) -> None:
    """Check the same for a method that is not async and that ``from_thread`` does not have."""
    if not in_trio_task():
        raise RuntimeError(
            f"{call} was called outside a Trio task: from another thread call it with trio.from_thread.run_sync, "
            "on the server's own thread with TrioToken.run_sync_soon"
        )
