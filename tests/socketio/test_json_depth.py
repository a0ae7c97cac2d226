"""Values may be nested as deep as msgspec decodes, and decoded values can be sent again."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from trio_socketio.errors import LocalProtocolError, RemoteProtocolError
from trio_socketio.socketio import encode_event
from trio_socketio.socketio._json import decode_json, encode_json, extract_attachments, insert_attachments


def deepest() -> tuple[int, Any]:
    """The depth of the deepest list that is decoded here, and the list."""
    good, bad = 1, 1_000_000
    while bad - good > 1:
        depth = (good + bad) // 2
        try:
            decode_json(b"[" * depth + b"]" * depth)
        except RemoteProtocolError:
            bad = depth
        else:
            good = depth
    return good, decode_json(b"[" * good + b"]" * good)


def called_deeper(levels: int, function: Any) -> Any:
    return function() if levels == 0 else called_deeper(levels - 1, function)


@pytest.mark.rows("P13")
@pytest.mark.parametrize("extra", [(), (b"x",)], ids=["plain", "binary"])
def test_what_was_decoded_can_be_relayed_from_a_deeper_stack(extra):
    depth, value = deepest()
    assert depth > 499
    message = called_deeper(200, lambda: encode_event("e", [value, *extra]))
    payload = message.payload()
    assert payload.count(b"[") == depth + 1


@pytest.mark.rows("P13")
def test_attachments_may_be_as_deep_as_what_is_decoded():
    depth = deepest()[0] - 10
    value = decode_json(b"[" * depth + b'{"_placeholder":true,"num":0}' + b"]" * depth)
    value = insert_attachments(value, [b"x"])
    taken: list[bytes] = []
    extracted = extract_attachments(value, taken)
    assert taken == [b"x"]
    assert encode_json(extracted) == b"[" * depth + b'{"_placeholder":true,"num":0}' + b"]" * depth


@pytest.mark.rows("P13")
def test_deep_values_are_encoded_as_shallow_ones_are():
    inner: Any = {"a": 1, 5: [None, True, 1.5, "é\ud800"], "": {}, "t": (), "d": {"x": []}}
    shallow = encode_json(inner)
    value = inner
    for _ in range(sys.getrecursionlimit() * 20):
        value = [value]
    encoded = encode_json(value)
    assert encoded.strip(b"[]") == shallow.strip(b"[]")
    assert json.loads(shallow)["5"] == [None, True, 1.5, "é\ufffd"]


@pytest.mark.parametrize("binary", [False, True])
def test_a_value_that_contains_itself_is_refused(binary):
    value: list[Any] = [[1, 2], b"x" if binary else "x"]
    value[0].append([{"a": (value,)}])
    with pytest.raises(LocalProtocolError, match="contain themselves"):
        encode_event("e", [value])


def test_a_value_that_stands_at_many_places_does_not_contain_itself():
    shared = [1]
    value: Any = [shared, shared]
    for _ in range(300):
        value = [shared, value, shared]
    assert encode_json(extract_attachments([value, b"x"], [])).count(b"[1]") == 602
