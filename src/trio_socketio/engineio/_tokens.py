"""Words that may stand in a header field as they are."""

from __future__ import annotations

import re

__all__ = ["is_token"]

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def is_token(text: str) -> bool:
    """Whether it is a token (RFC 9110 section 5.6.2), as names of fields, methods, cookies and subprotocols are."""
    return _TOKEN.fullmatch(text) is not None
