"""Which pages of other origins a browser may ask for, and what it is told about them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from trio_socketio.engineio._checks import check_age, check_flag, check_list, is_collection
from trio_socketio.engineio._request import EngineRequest, EngineResponse, Headers
from trio_socketio.engineio._tokens import is_token

__all__ = ["Cors", "OriginFunction"]

#: Says of an ``Origin`` header whether its pages may come.
OriginFunction = Callable[[str, EngineRequest], "bool | Awaitable[bool]"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cors:
    """Cross-origin resource sharing; the server's own origin is always allowed.

    Attributes:
        origin: the other origins: ``"*"`` for all, an origin as ``"https://example.com"`` or ``"file://"``, a
            compiled pattern that has to match a whole one, several of these, or a function of the ``Origin`` header
            and the request.
        methods: what a preflight request is told.
        allowed_headers: the header fields a page may send; None: those it asks for.
        exposed_headers: the header fields of a response that a page may read.
        credentials: whether browsers send cookies along, and let pages read the response then.
        max_age: how long a browser may keep the answer to a preflight request, in seconds.
        preflight_continue: whether preflight requests go on to the engine instead of being answered.
        options_success_status: the status of the answer to a preflight request.
        is_open: whether there may be other origins than the server's own.
    """

    origin: str | re.Pattern[str] | Sequence[str | re.Pattern[str]] | OriginFunction = ()
    methods: Sequence[str] = ("GET", "HEAD", "PUT", "PATCH", "POST", "DELETE")
    allowed_headers: Sequence[str] | None = None
    exposed_headers: Sequence[str] = ()
    credentials: bool = False
    max_age: float | None = None
    preflight_continue: bool = False
    options_success_status: int = 204
    is_open: bool = field(init=False, repr=False, compare=False)
    _texts: frozenset[str] = field(init=False, repr=False, compare=False)
    _patterns: tuple[re.Pattern[str], ...] = field(init=False, repr=False, compare=False)
    _granted: Headers = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        origins: Sequence[str | re.Pattern[str]]
        if callable(self.origin):
            origins = ()
        else:
            origins = [self.origin] if isinstance(self.origin, str | re.Pattern) else self.origin
            if not is_collection(origins, str | re.Pattern):
                raise TypeError(
                    "cors must be a list of the origins of other sites' pages, such as ['https://example.com'], "
                    f"'*' for all, a function or Cors(...), not {self.origin!r}"
                )
        texts = [origin for origin in origins if isinstance(origin, str)]
        for text in texts:
            if text not in ("*", "null", "file://") and not re.fullmatch(r"[\w+.-]+://[^/\s]+", text):
                raise ValueError(
                    f"cors: an origin is like 'https://example.com', without a path, not {text!r}"
                )
        object.__setattr__(self, "_texts", frozenset(texts))
        object.__setattr__(self, "_patterns", tuple(each for each in origins if isinstance(each, re.Pattern)))
        object.__setattr__(self, "is_open", callable(self.origin) or bool(origins))
        for option in ("methods", "allowed_headers", "exposed_headers"):
            if getattr(self, option) is not None:
                check_list(f"cors: {option}", getattr(self, option))
        for name in (*self.methods, *(self.allowed_headers or ()), *self.exposed_headers):
            if not is_token(name):
                raise ValueError(f"cors: this is no name of a method or a header field: {name!r}")
        check_age("cors: max_age", self.max_age)
        check_flag("cors: credentials", self.credentials)
        if not 200 <= self.options_success_status < 300:
            raise ValueError(f"cors: options_success_status is 2xx, not {self.options_success_status!r}")
        granted = [("Access-Control-Allow-Credentials", "true")] if self.credentials else []
        if self.exposed_headers:
            granted.append(("Access-Control-Expose-Headers", ",".join(self.exposed_headers)))
        object.__setattr__(self, "_granted", granted)

    @classmethod
    def make(cls, cors: str | Sequence[str] | Cors) -> Cors:
        """What an application means by the option ``cors``."""
        return cors if isinstance(cors, Cors) else cls(origin=cors)

    def allows(self, origin: str, request: EngineRequest) -> bool | Awaitable[bool]:
        """Whether pages of this other origin may come. Blank, it is unknown: a function is not asked then."""
        if callable(self.origin):
            return bool(origin) and self.origin(origin, request)
        if origin in self._texts or "*" in self._texts:
            return True
        return bool(self._patterns) and any(pattern.fullmatch(origin) for pattern in self._patterns)

    def headers(self, origin: str | None, *, granted: bool) -> Headers:
        """What every response carries to a request with this ``Origin`` header; caches keep one for each origin.

        The origin is echoed: with credentials browsers do not take ``*``.
        """
        if not granted or origin is None:
            return _VARY
        return [("Access-Control-Allow-Origin", origin), *self._granted, *_VARY]

    def preflight(self, request: EngineRequest, *, granted: bool) -> EngineResponse:
        """The answer to a preflight request; it makes no session."""
        headers = [("Content-Length", "0"), ("Vary", "Origin, Access-Control-Request-Headers")]
        if granted and request.origin is not None:
            headers += [("Access-Control-Allow-Origin", request.origin), *self._granted]
            headers.append(("Access-Control-Allow-Methods", ",".join(self.methods)))
            allowed = self._asked(request) if self.allowed_headers is None else self.allowed_headers
            if allowed:
                headers.append(("Access-Control-Allow-Headers", ",".join(allowed)))
            if self.max_age is not None:
                headers.append(("Access-Control-Max-Age", str(int(self.max_age))))
        return EngineResponse(self.options_success_status, headers)

    @staticmethod
    def _asked(request: EngineRequest) -> list[str]:
        names = request.headers.get("access-control-request-headers", "").split(",")
        return [name.strip() for name in names if is_token(name.strip())]


_VARY: Headers = (("Vary", "Origin"),)
