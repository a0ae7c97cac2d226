"""Cross-origin resource sharing: the origins whose pages may use the server, and the header fields that say so."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from trio_socketio.engineio._checks import check_age, check_flag, check_list, is_collection
from trio_socketio.engineio._request import EngineRequest, EngineResponse, Headers
from trio_socketio.engineio._tokens import is_token

__all__ = ["Cors", "OriginFunction"]

#: Takes an ``Origin`` header and the request; returns whether pages of this origin may use the server.
OriginFunction = Callable[[str, EngineRequest], "bool | Awaitable[bool]"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cors:
    """The options of cross-origin resource sharing. The server's own origin is always allowed.

    Attributes:
        origin: the other origins that are allowed: ``"*"`` for all, an origin such as ``"https://example.com"`` or
            ``"file://"``, a compiled pattern that matches the whole origin, a list of these, or a function of the
            ``Origin`` header and the request.
        methods: the methods in the response to a preflight request.
        allowed_headers: the header fields that a page may send; None: all that a preflight request asks for.
        exposed_headers: the header fields of a response that a page may read.
        credentials: whether browsers may send cookies and let the page read the response.
        max_age: how long a browser may cache the response to a preflight request, in seconds.
        preflight_continue: whether preflight requests are passed on to the engine instead of being answered.
        options_success_status: the status of the response to a preflight request.
        is_open: whether origins other than the server's own may be allowed.
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
                    f"cors: an origin must have a scheme and no path, such as 'https://example.com', unlike {text!r}"
                )
        object.__setattr__(self, "_texts", frozenset(texts))
        object.__setattr__(self, "_patterns", tuple(each for each in origins if isinstance(each, re.Pattern)))
        object.__setattr__(self, "is_open", callable(self.origin) or bool(origins))
        for option in ("methods", "allowed_headers", "exposed_headers"):
            if getattr(self, option) is not None:
                check_list(f"cors: {option}", getattr(self, option))
        for name in (*self.methods, *(self.allowed_headers or ()), *self.exposed_headers):
            if not is_token(name):
                raise ValueError(
                    f"cors: methods and header fields must be tokens (RFC 9110 section 5.6.2), but {name!r} is not"
                )
        check_age("cors: max_age", self.max_age)
        check_flag("cors: credentials", self.credentials)
        if not 200 <= self.options_success_status < 300:
            raise ValueError(
                f"cors: options_success_status must be from 200 to 299, not {self.options_success_status!r}"
            )
        granted = [("Access-Control-Allow-Credentials", "true")] if self.credentials else []
        if self.exposed_headers:
            granted.append(("Access-Control-Expose-Headers", ",".join(self.exposed_headers)))
        object.__setattr__(self, "_granted", granted)

    @classmethod
    def make(cls, cors: str | Sequence[str] | Cors) -> Cors:
        """Convert the value of the option ``cors``."""
        return cors if isinstance(cors, Cors) else cls(origin=cors)

    def allows(self, origin: str, request: EngineRequest) -> bool | Awaitable[bool]:
        """Return whether pages of this other origin may use the server.

        A blank origin is unknown. It is never passed to a function.
        """
        if callable(self.origin):
            return bool(origin) and self.origin(origin, request)
        if origin in self._texts or "*" in self._texts:
            return True
        return bool(self._patterns) and any(pattern.fullmatch(origin) for pattern in self._patterns)

    def headers(self, origin: str | None, *, granted: bool) -> Headers:
        """Return the header fields for every response to a request with this ``Origin`` header.

        An allowed origin is repeated, because browsers refuse ``*`` together with credentials. ``Vary`` makes caches
        store one response for each origin.
        """
        if not granted or origin is None:
            return _VARY
        return [("Access-Control-Allow-Origin", origin), *self._granted, *_VARY]

    def preflight(self, request: EngineRequest, *, granted: bool) -> EngineResponse:
        """Build the response to a preflight request. Such a request opens no session."""
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
