"""Applications of ASGI for tests."""

from __future__ import annotations

from functools import wraps
from typing import Any

__all__ = ["without_lifespan"]


def without_lifespan(app: Any) -> Any:
    """Return an application that refuses a lifespan, and is ``app`` otherwise."""

    @wraps(app)
    async def refusing(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        await app(scope, receive, send)

    return refusing
