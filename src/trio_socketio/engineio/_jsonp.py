"""Polling by script tags: payloads inside of a script, and inside of a form.

Sources: Node's engine.io, which is all there is; forms are ``application/x-www-form-urlencoded`` of the URL standard,
section 5.1.
"""

from __future__ import annotations

import json
import re

from trio_socketio._core import unquote_form

__all__ = ["unwrap", "wrap"]

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
#: A field whose name is "d", and its value.
_FIELD = re.compile(rb"(?<![^&])(?:d|%64)(?![^=&])=?([^&]*)")
_NEWLINE = re.compile(rb"(?<!\\)\\n")


def wrap(index: str, body: bytes) -> bytes:
    """A script that hands a payload to the callback of this number.

    Two characters that JSON allows ended a line in JavaScript before ECMAScript 2019: they are escaped, too.
    """
    text = json.dumps(body.decode(), ensure_ascii=False)
    text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f"___eio[{index}]({text});".encode()


def unwrap(form: bytes) -> bytes:
    """The payload that a form holds as its field ``d``.

    A form would change the newlines in it, so the client has written each as a backslash and an ``n``, and has put a
    second backslash before those that were there.

    Raises:
        ValueError: this is no such form.
    """
    if _BAD_ESCAPE.search(form):
        raise ValueError("a percent sign in a form that begins no escape")
    values = _FIELD.findall(form)
    if len(values) != 1:
        raise ValueError(f"a form with {len(values)} fields named d, not one")
    payload = unquote_form(values[0])
    assert payload is not None
    return _NEWLINE.sub(b"\n", payload).replace(rb"\\n", rb"\n")
