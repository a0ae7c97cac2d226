"""Checks of strings that are written into header fields."""

from __future__ import annotations

import re

__all__ = ["is_field_value", "is_token"]

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def is_token(text: str) -> bool:
    """Return whether a string is a token (RFC 9110 section 5.6.2).

    The names of header fields, methods, cookies and subprotocols are tokens.
    """
    return _TOKEN.fullmatch(text) is not None


_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def is_field_value(text: str) -> bool:
    """Return whether a string may be the value of a header field (RFC 9110 section 5.5).

    It must not contain line ends or other control characters, except tabs.
    """
    return (text.isascii() and text.isprintable()) or _FIELD_VALUE.fullmatch(text) is not None
