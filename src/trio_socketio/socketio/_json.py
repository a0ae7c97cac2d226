"""JSON as Socket.IO needs it: msgspec, and what JavaScript does differently.

Attachments are taken out before encoding, because msgspec would write bytes as base64. JavaScript sends lone
surrogates, which msgspec refuses; the standard library reads them, and they become U+FFFD.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from enum import Enum
from typing import Any, NoReturn

import msgspec

from trio_socketio._core import is_json
from trio_socketio.errors import LocalProtocolError, RemoteProtocolError

__all__ = [
    "decode_json",
    "decode_plainly",
    "encode_json",
    "encode_plainly",
    "extract_attachments",
    "insert_attachments",
]

#: As msgspec does it; its errors are its own.
encode_plainly = msgspec.json.Encoder().encode
decode_plainly = msgspec.json.Decoder().decode

_BINARY = (bytes, bytearray, memoryview)
_PLAIN_BASES: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
)
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def _replace_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list | tuple):
        return [_replace_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_replace_surrogates(key): _replace_surrogates(item) for key, item in value.items()}
    return value


def encode_json(value: Any) -> bytes:
    """Encode a value that holds no attachments, as UTF-8; NaN and infinities become null.

    Raises:
        LocalProtocolError: it cannot be encoded.
    """
    try:
        try:
            return encode_plainly(value)
        except UnicodeEncodeError:
            return encode_plainly(_replace_surrogates(value))
    except RecursionError:
        raise LocalProtocolError("the arguments are nested too deeply, or contain themselves") from None
    except (TypeError, ValueError) as error:
        raise LocalProtocolError(f"an argument cannot be encoded: {error}") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("number out of range")
    return number


def decode_json(text: bytes) -> Any:
    """Decode JSON from the peer.

    Raises:
        RemoteProtocolError: it is not JSON, is nested too deeply, or holds a number beyond all limits.
    """
    try:
        return decode_plainly(text)
    except msgspec.DecodeError as error:
        # ValidationError is one too: this is JSON, but with a number beyond all limits.
        if isinstance(error, msgspec.ValidationError) or not _SURROGATE_ESCAPE.search(text):
            raise RemoteProtocolError(f"invalid JSON: {error}") from None
    except (RecursionError, ValueError) as error:
        raise RemoteProtocolError(f"invalid JSON: {error}") from None
    try:
        # From str: given bytes, json would guess at UTF-16 and UTF-32.
        value = json.loads(text.decode(), parse_constant=_refuse_constant, parse_float=_finite)
        return _replace_surrogates(value)
    except (RecursionError, ValueError) as error:
        raise RemoteProtocolError(f"invalid JSON: {error}") from None


def extract_attachments(value: Any, attachments: list[bytes]) -> Any:
    """Replace what is binary by placeholders, and append it to ``attachments``.

    Values that are not JSON's own (structs, dataclasses, sets, dates) are turned into such on the way, because binary
    may be inside. A value without any of that is returned as it is.

    Raises:
        LocalProtocolError: it cannot be encoded.
    """
    try:
        return _extract(value, attachments)
    except RecursionError:
        raise LocalProtocolError("the arguments are nested too deeply, or contain themselves") from None
    except (TypeError, ValueError) as error:
        raise LocalProtocolError(f"an argument cannot be encoded: {error}") from error


def _extract(value: Any, attachments: list[bytes]) -> Any:
    kind = type(value)
    if is_json(value):
        return value
    if kind is list or kind is tuple:
        return [_extract(item, attachments) for item in value]
    if kind is dict:
        return {key: _extract(item, attachments) for key, item in value.items()}
    if isinstance(value, _BINARY):
        attachments.append(bytes(value))
        return {"_placeholder": True, "num": len(attachments) - 1}
    if not isinstance(value, Enum):
        for base, plain in _PLAIN_BASES:
            if isinstance(value, base):  # a subclass, such as a template engine's safe text
                return plain(value)
    builtin = msgspec.to_builtins(value, builtin_types=_BINARY)
    if type(builtin) is kind:
        return builtin
    return _extract(builtin, attachments)


def insert_attachments(value: Any, attachments: list[bytes]) -> Any:
    """Put the attachments where their placeholders stand; each is used exactly once.

    Raises:
        RemoteProtocolError: the placeholders do not fit the attachments.
    """
    unused = set(range(len(attachments)))
    result = _insert(value, attachments, unused)
    if unused:
        raise RemoteProtocolError("illegal attachments: not every attachment has its placeholder")
    return result


def _insert(value: Any, attachments: list[bytes], unused: set[int]) -> Any:
    if type(value) is list:
        return [_insert(item, attachments, unused) for item in value]
    if type(value) is dict:
        if value.get("_placeholder") is True:
            number = value.get("num")
            if type(number) is not int or number not in unused:
                raise RemoteProtocolError("illegal attachments: a placeholder names none of them")
            unused.remove(number)
            return attachments[number]
        return {key: _insert(item, attachments, unused) for key, item in value.items()}
    return value
