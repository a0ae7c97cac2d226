"""JSONP polling: responses are scripts that contain the payload, and POST bodies are forms that contain it.

Sources: the code of Node's engine.io, because no document specifies these formats. Forms are
``application/x-www-form-urlencoded`` of the URL standard, section 5.1.
"""

from __future__ import annotations

import json
import re

from trio_socketio._core import unquote_form

__all__ = ["unwrap", "wrap"]

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
#: A field with the name "d". The group is its value.
_FIELD = re.compile(rb"(?<![^&])(?:d|%64)(?![^=&])=?([^&]*)")
_NEWLINE = re.compile(rb"(?<!\\)\\n")


def wrap(index: str, body: bytes) -> bytes:
    """Build a script that passes a payload to the callback with this number.

    U+2028 and U+2029 are escaped, too: JSON allows them in a string, JavaScript before ECMAScript 2019 does not.
    """
    text = json.dumps(body.decode(), ensure_ascii=False)
    text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f"___eio[{index}]({text});".encode()


def unwrap(form: bytes) -> bytes:
    """Return the payload from the field ``d`` of a form.

    A form would change the newlines of the payload. The client therefore writes each newline as a backslash and an
    ``n``, and adds a backslash where the payload itself has a backslash before an ``n``. This is undone here.

    Raises:
        ValueError: the form is malformed, or does not have exactly one field ``d``.
    """
    if _BAD_ESCAPE.search(form):
        raise ValueError("the form has a percent sign without two hexadecimal digits")
    values = _FIELD.findall(form)
    if len(values) != 1:
        raise ValueError(f"the form has {len(values)} fields named d, not one")
    payload = unquote_form(values[0])
    assert payload is not None
    return _NEWLINE.sub(b"\n", payload).replace(rb"\\n", rb"\n")
