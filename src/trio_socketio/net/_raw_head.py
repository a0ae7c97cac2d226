"""Checks the raw head of a request before h11 parses it.

h11 accepts line ends and lengths that other HTTP software reads in another way. Where two readers disagree about the
end of a request, one of them can be made to see a second request (RFC 9112 section 11.2). So these heads are refused:

- a CR or LF that is not part of CRLF (section 2.2), and a line that continues the one before it (section 5.2);
- any other control character but HTAB (RFC 9110 section 5.5);
- ``Content-Length`` beside ``Transfer-Encoding`` (section 6.1);
- ``Content-Length`` that is not one number, or that comes twice, also with equal values (section 6.3).
"""

from __future__ import annotations

import re

import h11

__all__ = ["RawHead"]

#: What no head may hold. A CR at the end of what has come may still become CRLF.
_BAD = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?=[^\n])|\n[ \t]")

#: A valid length, in a head in lower case.
_LENGTH = re.compile(rb"\ncontent-length:[ \t]*[0-9]+[ \t]*\r")


def _check_lengths(head: bytes) -> None:
    fields = head.lower()
    at = fields.find(b"\ncontent-length:")
    if at < 0:
        return
    if b"\ntransfer-encoding:" in fields:
        raise h11.RemoteProtocolError("Content-Length beside Transfer-Encoding")
    if _LENGTH.match(fields, at) is None or fields.find(b"\ncontent-length:", at + 1) >= 0:
        raise h11.RemoteProtocolError("Content-Length is not one number")


class RawHead:
    """Finds the end of one head, in however many pieces it comes, and checks it.

    A head that has come whole is checked by ``http_head_length`` in C first, which takes a tenth of the time and does
    not tell what is wrong.
    """

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun = bytearray()

    def receive(self, data: bytes) -> int:
        """Check the next bytes; the cost is linear in their number.

        Returns:
            How many of these bytes belong to the head, if it is whole with them; else 0.

        Raises:
            h11.RemoteProtocolError: the request is to be answered with 400, and the connection to be closed.
        """
        begun = self._begun
        checked = len(begun)
        begun += data
        end = begun.find(b"\r\n\r\n", max(0, checked - 3)) + 4
        is_whole = end > 3
        if not is_whole:
            end = len(begun)
        if _BAD.search(begun, max(0, checked - 1), end):
            raise h11.RemoteProtocolError("a control character or a folded line in the head")
        if not is_whole:
            return 0
        _check_lengths(bytes(begun[:end]))
        return end - checked
