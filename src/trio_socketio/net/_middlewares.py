"""Runs the application's middlewares for one HTTP request."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from trio_socketio._passing import passes
from trio_socketio.engineio import EngineRequest, Middleware, Refusal, RefusedError
from trio_socketio.errors import Forbidden

__all__ = ["forbidden_in", "pass_middlewares"]


async def pass_middlewares(
    middlewares: Sequence[Middleware], request: EngineRequest, logger: logging.Logger
) -> None:
    """Call the middlewares in their order; each calls the rest of them by its second argument.

    Args:
        middlewares: the middlewares that are registered when the call begins.
        request: the request.
        logger: for middlewares that fail.

    Raises:
        RefusedError: a middleware raises an exception, or does not call the rest.

    Cancellation: cancels the middlewares.
    """
    middlewares = tuple(middlewares)
    passed = False

    async def pass_from(position: int) -> None:
        nonlocal passed
        if position == len(middlewares):
            passed = True
            return
        called = False

        async def go_on() -> None:
            nonlocal called
            if called:
                raise RuntimeError("a middleware of the engine may call the next one only once")
            called = True
            await pass_from(position + 1)

        await middlewares[position](request, go_on)

    try:
        await pass_from(0)
    except BaseException as error:
        if passes(error):
            raise
        forbidden = forbidden_in(error)
        if forbidden is not None:
            raise RefusedError(Refusal.FORBIDDEN, forbidden.message) from None
        logger.exception("refused a request: a middleware of the engine raised an exception")
        raise RefusedError(Refusal.MIDDLEWARE_FAILURE) from None
    if not passed:
        raise RefusedError(Refusal.MIDDLEWARE_FAILURE)


def forbidden_in(error: BaseException) -> Forbidden | None:
    """Return the ``Forbidden`` that was raised, also if nurseries wrapped it in groups; None: another exception."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error if isinstance(error, Forbidden) else None
