"""The cookie with the session id, byte for byte."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from trio_socketio import CookieOptions

pytestmark = pytest.mark.rows("B12")


@pytest.mark.parametrize(("options", "text"), [
    ({}, "io=id; Path=/; HttpOnly; SameSite=Lax"),
    ({"name": "lb", "path": None, "http_only": False, "same_site": None}, "lb=id"),
    ({"path": "/chat"}, "io=id; Path=/chat; HttpOnly; SameSite=Lax"),
    ({"domain": "a.example"}, "io=id; Domain=a.example; Path=/; HttpOnly; SameSite=Lax"),
    ({"max_age": 0}, "io=id; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"),
    ({"max_age": 86400.5}, "io=id; Max-Age=86400; Path=/; HttpOnly; SameSite=Lax"),
    ({"secure": True, "same_site": "None", "partitioned": True},
     "io=id; Path=/; HttpOnly; Secure; Partitioned; SameSite=None"),
    ({"same_site": "Strict"}, "io=id; Path=/; HttpOnly; SameSite=Strict"),
    ({"expires": datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)},
     "io=id; Path=/; Expires=Wed, 02 Jan 2030 03:04:05 GMT; HttpOnly; SameSite=Lax"),
    ({"expires": datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=5)))},
     "io=id; Path=/; Expires=Tue, 01 Jan 2030 22:04:05 GMT; HttpOnly; SameSite=Lax"),
])  # fmt: skip
def test_cookie_has_the_configured_attributes(options: dict[str, Any], text: str) -> None:
    assert CookieOptions(**options).header("id") == ("Set-Cookie", text)


@pytest.mark.parametrize(("sid", "value"), [
    ("aZ09-_" * 3, "aZ09-_" * 3), ("a;b\r\nc", "a%3Bb%0D%0Ac"), ("a=b/c", "a%3Db%2Fc"), ("ü", "%C3%BC"),
])  # fmt: skip
def test_session_id_is_quoted_in_the_cookie(sid: str, value: str) -> None:
    assert CookieOptions(path=None, http_only=False, same_site=None).header(sid)[1] == f"io={value}"


@pytest.mark.parametrize("broken", ["a\r\nSet-Cookie: b", "a\nb", "a\rb", "a;b", "a\0", "a\x7f", "\xe9"])
@pytest.mark.parametrize("field", ["name", "path", "domain", "same_site"])
def test_fields_with_control_characters_or_semicolons_are_refused(field: str, broken: str) -> None:
    options: dict[str, Any] = {field: broken}
    with pytest.raises(ValueError, match="cookie"):
        CookieOptions(**options)


@pytest.mark.parametrize("max_age", [-1, math.inf, math.nan])
def test_max_age_must_be_finite_and_not_negative(max_age: float) -> None:
    with pytest.raises(ValueError, match="cookie: max_age"):
        CookieOptions(max_age=max_age)
