"""Checks the raw head of a request before h11 parses it.

h11 accepts some line ends and lengths that other HTTP software interprets differently. If a proxy and the server
disagree about the end of a request, an attacker can smuggle a second request past the proxy (RFC 9112 section 11.2).
Therefore a head is refused that contains one of these:

- a CR or LF that is not part of CRLF (section 2.2), or a line that continues the one before it (section 5.2);
- any other control character except HTAB (RFC 9110 section 5.5);
- ``Content-Length`` together with ``Transfer-Encoding`` (section 6.1);
- a ``Content-Length`` that is not a single number, or two of them, even with equal values (section 6.3).
"""

from __future__ import annotations

import re

import h11

__all__ = ["RawHead"]

#: What no head may contain. A CR at the end of the bytes so far is accepted, as it may still become a CRLF.
_BAD = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?=[^\n])|\n[ \t]")

#: A valid Content-Length field, in a head that was changed to lower case.
_LENGTH = re.compile(rb"\ncontent-length:[ \t]*[0-9]+[ \t]*\r")


def _check_lengths(head: bytes) -> None:
    fields = head.lower()
    at = fields.find(b"\ncontent-length:")
    if at < 0:
        return
    if b"\ntransfer-encoding:" in fields:
        raise h11.RemoteProtocolError("expected Content-Length or Transfer-Encoding, got both")
    if _LENGTH.match(fields, at) is None or fields.find(b"\ncontent-length:", at + 1) >= 0:
        raise h11.RemoteProtocolError("expected one Content-Length, which is a number")


class RawHead:
    """Finds the end of one head, which may arrive in several pieces, and checks the head.

    Fast path: ``http_head_length`` in C checks a head that arrives in one piece, in a tenth of the time. As it does not
    report what is wrong, a head that it refuses is checked here again.
    """

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun = bytearray()

    def receive(self, data: bytes) -> int:
        """Check the next bytes, in time that is linear in their number.

        Returns:
            How many of these bytes belong to the head, if they complete it; else 0.

        Raises:
            h11.RemoteProtocolError: the head is malformed. Answer it with 400, and close the connection.
        """
        begun = self._begun
        checked = len(begun)
        begun += data
        end = begun.find(b"\r\n\r\n", max(0, checked - 3)) + 4
        is_whole = end > 3
        if not is_whole:
            end = len(begun)
        if _BAD.search(begun, max(0, checked - 1), end):
            raise h11.RemoteProtocolError(
                "a control character, a folded line, or a line end other than CRLF in the head"
            )
        if not is_whole:
            return 0
        _check_lengths(bytes(begun[:end]))
        return end - checked
