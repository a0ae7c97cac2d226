"""The advice in the log for handlers that await libraries of asyncio."""

from __future__ import annotations

import sys

__all__ = ["remedy"]

#: How Trio's error begins when a coroutine yields an object that is not Trio's.
_UNKNOWN_YIELD = "trio.run received unrecognized yield message"

#: Parts of the errors with which asyncio and aiohttp refuse to run outside of a task of asyncio.
_NO_TASK = ("no running event loop", "inside a task")

_ADVICE = (
    ": it uses a library of asyncio, which a handler awaits with guest.run_in_asyncio (see Server.guest)"
)


def remedy(error: BaseException) -> str:
    """Return how to await a library of asyncio, if the error of a handler shows that it did so directly; else "".

    Args:
        error: the error of the handler.
    """
    return _ADVICE if "asyncio" in sys.modules and _is_of_asyncio(error) else ""


def _is_of_asyncio(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(map(_is_of_asyncio, error.exceptions))
    text = str(error)
    if isinstance(error, TypeError):
        return text.startswith(_UNKNOWN_YIELD)
    return isinstance(error, RuntimeError) and any(part in text for part in _NO_TASK)
