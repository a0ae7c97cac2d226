"""Which pages of other origins a browser may ask for, and what it is told about them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from trio_socketio.engineio._request import EngineRequest
from trio_socketio.engineio._tokens import is_token

__all__ = ["Cors", "OriginFunction"]

#: Says of an ``Origin`` header whether its pages may come.
OriginFunction = Callable[[str, EngineRequest], "bool | Awaitable[bool]"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cors:
    """Cross-origin resource sharing; the server's own origin is always allowed.

    Attributes:
        origin: the other origins: ``"*"`` for all, an origin as ``"https://example.com"``, a compiled pattern that
            has to match a whole one, several of these, or a function of the ``Origin`` header and the request.
        methods: what a preflight request is told.
        allowed_headers: the header fields a page may send; None: those it asks for.
        exposed_headers: the header fields of a response that a page may read.
        credentials: whether browsers send cookies along, and let pages read the response then.
        max_age: how long a browser may keep the answer to a preflight request, in seconds.
        preflight_continue: whether preflight requests go on to the engine instead of being answered.
        options_success_status: the status of the answer to a preflight request.
    """

    origin: str | re.Pattern[str] | Sequence[str | re.Pattern[str]] | OriginFunction = ()
    methods: Sequence[str] = ("GET", "HEAD", "PUT", "PATCH", "POST", "DELETE")
    allowed_headers: Sequence[str] | None = None
    exposed_headers: Sequence[str] = ()
    credentials: bool = False
    max_age: float | None = None
    preflight_continue: bool = False
    options_success_status: int = 204
    _texts: frozenset[str] = field(init=False, repr=False, compare=False)
    _patterns: tuple[re.Pattern[str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        origins: Sequence[str | re.Pattern[str]]
        if callable(self.origin):
            origins = ()
        else:
            origins = [self.origin] if isinstance(self.origin, str | re.Pattern) else self.origin
        texts = [origin for origin in origins if isinstance(origin, str)]
        for text in texts:
            if text not in ("*", "null") and not re.fullmatch(r"[\w+.-]+://[^/\s]+", text):
                raise ValueError(
                    f"cors: an origin is like 'https://example.com', without a path, not {text!r}"
                )
        object.__setattr__(self, "_texts", frozenset(texts))
        object.__setattr__(self, "_patterns", tuple(each for each in origins if isinstance(each, re.Pattern)))
        for name in (*self.methods, *(self.allowed_headers or ()), *self.exposed_headers):
            if not is_token(name):
                raise ValueError(f"cors: this is no name of a method or a header field: {name!r}")
        if self.max_age is not None and not self.max_age >= 0:
            raise ValueError(f"cors: max_age is a number of seconds, not {self.max_age!r}")
        if not 200 <= self.options_success_status < 300:
            raise ValueError(f"cors: options_success_status is 2xx, not {self.options_success_status!r}")

    @classmethod
    def make(cls, cors: str | Sequence[str] | Cors) -> Cors:
        """What an application means by the option ``cors``."""
        return cors if isinstance(cors, Cors) else cls(origin=cors)

    def allows(self, origin: str, request: EngineRequest) -> bool | Awaitable[bool]:
        """Whether pages of this other origin may come."""
        if callable(self.origin):
            return self.origin(origin, request)
        if origin in self._texts or "*" in self._texts:
            return True
        return bool(self._patterns) and any(pattern.fullmatch(origin) for pattern in self._patterns)
