"""The negotiation of permessage-deflate and of a subprotocol in an opening handshake.

Both header fields are untrusted input. They are parsed in linear time, and offers that are malformed are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from trio_socketio.engineio._tokens import is_token

__all__ = ["choose_subprotocol", "negotiate"]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Window sizes in the form of RFC 7692 section 7.1.2: without leading zeros.
_WINDOW_BITS = re.compile(r"[89]|1[0-5]")
#: The parameters of an offer, and whether each may stand with or without a value (RFC 7692 section 7.1).
_BARE, _WITH_VALUE = "bare", "with value"
_PARAMETERS = {
    "server_no_context_takeover": {_BARE},
    "client_no_context_takeover": {_BARE},
    "server_max_window_bits": {_WITH_VALUE},
    "client_max_window_bits": {_BARE, _WITH_VALUE},
}

_ANSWER = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


def negotiate(offers: str, window_bits: int) -> str | None:
    """Accept the first offer of permessage-deflate in a ``Sec-WebSocket-Extensions`` header that can be met.

    Context takeover is refused in both directions, so that one deflater can serve all connections.

    Args:
        offers: the value of the header; repeated headers are joined by a comma.
        window_bits: the window size of our deflater, 9 to 15. An offer with a smaller limit cannot be met.

    Returns:
        The header for the response; None if no offer can be met. Source: RFC 7692 sections 5 and 7.1.
    """
    for offer in _unquoted(offers).split(","):
        name, *parameters = [part.strip(" \t") for part in offer.split(";")]
        if name != "permessage-deflate":
            continue
        asked = _parameters(parameters)
        if asked is None or int(asked.get("server_max_window_bits", "15")) < window_bits:
            continue
        if "server_max_window_bits" in asked:  # an accepted limit must be repeated (section 7.1.2.1)
            return f"{_ANSWER}; server_max_window_bits={window_bits}"
        return _ANSWER
    return None


def _unquoted(offers: str) -> str:
    """Remove the quotes around tokens in the header; returns a blank string if the quotes are unbalanced or escaped.

    Other quoted strings may hold commas and semicolons. Each is replaced by one quote, which no valid offer contains.
    """
    if '"' not in offers:
        return offers
    pieces = offers.split('"')
    if len(pieces) % 2 == 0 or "\\" in offers:
        return ""
    for i in range(1, len(pieces), 2):
        is_value = pieces[i - 1].rstrip(" \t").endswith("=") and pieces[i + 1].lstrip(" \t")[:1] in (
            "",
            ",",
            ";",
        )
        if not (is_value and _TOKEN.fullmatch(pieces[i])):
            pieces[i] = '"'
    return "".join(pieces)


def _parameters(parameters: list[str]) -> dict[str, str] | None:
    """Parse the parameters of an offer; returns None if one is unknown, repeated or out of range."""
    asked: dict[str, str] = {}
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        name, value = name.rstrip(" \t"), value.lstrip(" \t")
        if name in asked or (_WITH_VALUE if equals else _BARE) not in _PARAMETERS.get(name, ()):
            return None
        if equals and not _WINDOW_BITS.fullmatch(value):
            return None
        asked[name] = value
    return asked


def choose_subprotocol(asked: str, ours: Sequence[str] | None) -> str | None:
    """Choose one of the names in a ``Sec-WebSocket-Protocol`` header (RFC 6455 section 4.2.2).

    Args:
        asked: the value of the header.
        ours: the subprotocols of the server; None: any.

    Returns:
        The first name in the header that the server supports; None if there is none.
    """
    names = (name.strip(" \t") for name in asked.split(","))
    return next((name for name in names if (is_token(name) if ours is None else name in ours)), None)
