"""Words that may stand in a header field as they are."""

from __future__ import annotations

import re

__all__ = ["is_field_value", "is_token"]

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def is_token(text: str) -> bool:
    """Whether it is a token (RFC 9110 section 5.6.2), as names of fields, methods, cookies and subprotocols are."""
    return _TOKEN.fullmatch(text) is not None


_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def is_field_value(text: str) -> bool:
    """Whether it may be the value of a header field (RFC 9110 section 5.5): no line ends, no other controls."""
    return (text.isascii() and text.isprintable()) or _FIELD_VALUE.fullmatch(text) is not None
