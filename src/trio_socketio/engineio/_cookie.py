"""The cookie with the session id. Load balancers use it to send all requests of a session to the same server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Literal
from urllib.parse import quote

from trio_socketio.engineio._checks import check_age, check_text
from trio_socketio.engineio._tokens import is_token

__all__ = ["CookieOptions"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CookieOptions:
    """A cookie whose value is the session id (RFC 6265 section 4.1).

    Attributes:
        name: the name of the cookie.
        path: the path below which browsers send the cookie; None: that of the request.
        domain: the domain whose hosts receive the cookie; None: this host only.
        expires: when the cookie expires, with a time zone; None: when the browser exits.
        max_age: the lifetime of the cookie, in seconds; None: ``expires`` applies.
        http_only: whether the cookie is hidden from scripts.
        secure: whether the cookie is sent over TLS only.
        same_site: which requests from other sites carry the cookie; None: the browser's default.
        partitioned: whether browsers keep a separate cookie for each site that embeds this one.
    """

    name: str = "io"
    path: str | None = "/"
    domain: str | None = None
    expires: datetime | None = None
    max_age: float | None = None
    http_only: bool = True
    secure: bool = False
    same_site: Literal["Strict", "Lax", "None"] | None = "Lax"
    partitioned: bool = False
    _attributes: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_text("cookie: name", self.name)
        if not is_token(self.name):
            raise ValueError(f"cookie: name must be a token (RFC 9110 section 5.6.2), not {self.name!r}")
        for attribute in (self.path, self.domain):
            if attribute is not None and not (attribute.isascii() and attribute.isprintable()):
                raise ValueError(f"cookie: path and domain must be printable ASCII, but {attribute!r} is not")
            if attribute is not None and ";" in attribute:
                raise ValueError(
                    f"cookie: path and domain must not contain a semicolon, but {attribute!r} does"
                )
        if self.expires is not None and self.expires.tzinfo is None:
            raise ValueError("cookie: expires needs a time zone")
        check_age("cookie: max_age", self.max_age)
        if self.same_site not in (None, "Strict", "Lax", "None"):
            raise ValueError(f"cookie: same_site must be 'Strict', 'Lax' or 'None', not {self.same_site!r}")
        object.__setattr__(self, "_attributes", "".join([f"; {each}" for each in self._written()]))

    def _written(self) -> Iterator[str]:
        if self.max_age is not None:
            yield f"Max-Age={int(self.max_age)}"
        if self.domain is not None:
            yield f"Domain={self.domain}"
        if self.path is not None:
            yield f"Path={self.path}"
        if self.expires is not None:
            yield f"Expires={format_datetime(self.expires.astimezone(UTC), usegmt=True)}"
        if self.http_only:
            yield "HttpOnly"
        if self.secure:
            yield "Secure"
        if self.partitioned:
            yield "Partitioned"
        if self.same_site is not None:
            yield f"SameSite={self.same_site}"

    def header(self, sid: str) -> tuple[str, str]:
        """Build the header field that sets the cookie. Characters that a cookie cannot hold are percent-encoded."""
        return "Set-Cookie", f"{self.name}={quote(sid, safe='')}{self._attributes}"

    @classmethod
    def make(cls, cookie: bool | str | CookieOptions | None) -> CookieOptions | None:
        """Convert the value of the option ``cookie``; returns None if there is no cookie."""
        if isinstance(cookie, CookieOptions):
            return cookie
        if isinstance(cookie, str):
            return cls(name=cookie)
        if cookie is not None and not isinstance(cookie, bool):
            raise TypeError(f"cookie must be True, False, a name or CookieOptions(...), not {cookie!r}")
        return cls() if cookie else None
