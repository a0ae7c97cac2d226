"""JSON for Socket.IO: msgspec, with attachments and with the differences of JavaScript.

Attachments are removed before encoding, because msgspec would write bytes as base64. JavaScript sends lone surrogates,
which msgspec refuses; they become U+FFFD. Every decoded value can be encoded again, however deep it is nested: if the
recursion limit stops msgspec, the encoder of ``_core`` continues.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import Any

import msgspec

from trio_socketio._core import _collector, _values, is_json
from trio_socketio.errors import LocalProtocolError, RemoteProtocolError

__all__ = [
    "decode_json",
    "decode_plainly",
    "encode_json",
    "encode_plainly",
    "extract_attachments",
    "insert_attachments",
    "plain_with_binary",
    "without_lone_surrogates",
]

#: The functions of msgspec. They raise the errors of msgspec.
encode_plainly = msgspec.json.Encoder().encode
decode_plainly = msgspec.json.Decoder().decode

#: Replaces the escapes of lone surrogates in JSON text by that of U+FFFD; returns the same object if there are none.
without_lone_surrogates = _values.without_lone_surrogates

_BINARY = (bytes, bytearray, memoryview)
_PLAIN_BASES: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def _replace_surrogates(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text)


def encode_json(value: Any) -> bytes:
    """Encode a value without attachments as UTF-8. NaN and infinities become null.

    Raises:
        LocalProtocolError: the value cannot be encoded.
    """
    try:
        try:
            return encode_plainly(value)
        except (UnicodeEncodeError, RecursionError):
            return _encode_unusual(value)
    except RecursionError:
        raise LocalProtocolError("the arguments are nested too deeply, or contain themselves") from None
    except (TypeError, ValueError) as error:
        raise LocalProtocolError(f"an argument cannot be encoded: {error}") from error


def _encode_unusual(value: Any) -> bytes:
    """Encode a value that holds lone surrogates or is nested deeply."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return _encode(_values.replace_texts(value, _replace_surrogates))


def _encode(value: Any) -> bytes:
    try:
        return encode_plainly(value)
    except RecursionError:
        return _values.encode_deep(value, encode_plainly)


def decode_json(text: bytes) -> Any:
    """Decode JSON from the peer.

    Raises:
        RemoteProtocolError: the text is not JSON, is nested too deeply, or holds a number that is out of range.
    """
    try:
        if _collector.is_large(text):
            return _collector.decode_large(decode_plainly, _values.without_lone_surrogates(text))
        return _decode(text)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise RemoteProtocolError(f"invalid JSON: {error}") from None


def _decode(text: bytes) -> Any:
    try:
        return decode_plainly(text)
    except msgspec.DecodeError as error:
        repaired = _values.without_lone_surrogates(text)
        # A ValidationError, which is a DecodeError too, means valid JSON with a number that is out of range.
        if isinstance(error, msgspec.ValidationError) or repaired is text:
            raise
        return decode_plainly(repaired)


def extract_attachments(value: Any, attachments: list[bytes]) -> Any:
    """Replace binary values by placeholders, and append them to ``attachments``.

    Values of types that JSON does not have (structs, dataclasses, sets, dates) are converted, because they may contain
    binary values. A value that needs no change is returned itself.

    Raises:
        LocalProtocolError: the value cannot be encoded; or it holds binary and also an object that looks like a
            placeholder, which would break the parsers of all receivers.
    """
    try:
        extracted, has_look_alike = _values.extract_attachments(value, attachments, _plain)
    except RecursionError:
        raise LocalProtocolError("the arguments are nested too deeply, or contain themselves") from None
    except (TypeError, ValueError) as error:
        raise LocalProtocolError(f"an argument cannot be encoded: {error}") from error
    if has_look_alike and attachments:
        raise LocalProtocolError(
            'an object with "_placeholder": true cannot be sent beside binary, because receivers take it for an '
            "attachment's placeholder"
        )
    return extracted


def _plain(value: Any) -> Any:
    """Convert a value whose type is neither a type of JSON nor binary."""
    if not isinstance(value, Enum):
        for base, plain in _PLAIN_BASES:
            if isinstance(value, base):  # a subclass, such as the safe string of a template engine
                return plain(value)
    return msgspec.to_builtins(value, builtin_types=_BINARY)


def insert_attachments(value: Any, attachments: list[bytes]) -> Any:
    """Replace the placeholders by their attachments, in place. Each attachment must be used exactly once.

    Raises:
        RemoteProtocolError: the placeholders do not fit the attachments.
    """
    result, used = _values.insert_attachments(value, attachments)
    if used < 0:
        raise RemoteProtocolError("illegal attachments: the number of a placeholder is out of range")
    if used < len(attachments):
        raise RemoteProtocolError("illegal attachments: an attachment has no placeholder")
    return result


def plain_with_binary(value: Any) -> tuple[Any, bool]:
    """Convert a value to types of JSON and binary, without the limits of a packet, and say whether it holds binary.

    If it holds binary, the result holds no lone surrogates.

    Raises:
        LocalProtocolError: as ``extract_attachments``.
    """
    if is_json(value):
        return value, False
    attachments: list[bytes] = []
    plain = extract_attachments(value, attachments)
    if not attachments:
        return plain, False
    plain = _values.replace_texts(plain, _replace_surrogates)
    return insert_attachments(plain, attachments), True
