"""Attachments are removed from values, and values without a JSON form are converted or refused."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_socketio.errors import LocalProtocolError
from trio_socketio.socketio._json import decode_json, encode_json, extract_attachments, insert_attachments

leaves = st.none() | st.booleans() | st.integers() | st.text() | st.binary(max_size=8)
values = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


class Point(msgspec.Struct):
    x: Any
    y: Any = None


@dataclass
class Box:
    inside: Any


class Pair(NamedTuple):
    left: Any
    right: Any


class Colour(Enum):
    RED = "red"


def built_in(value: object) -> tuple[Any, list[bytes]]:
    attachments: list[bytes] = []
    return json.loads(encode_json(extract_attachments(value, attachments))), attachments


def placeholder(number: int) -> dict[str, Any]:
    return {"_placeholder": True, "num": number}


@pytest.mark.rows("D3")
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_binary_of_every_kind_becomes_an_attachment(kind):
    assert built_in(["a", {"b": kind(b"xyz")}]) == (["a", {"b": placeholder(0)}], [b"xyz"])


@pytest.mark.rows("D3")
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((b"x", (1, b"y")), [placeholder(0), [1, placeholder(1)]]),
        (Point(b"x", [b"y"]), {"x": placeholder(0), "y": [placeholder(1)]}),
        (Box(Point(b"x", Box(b"y"))), {"inside": {"x": placeholder(0), "y": {"inside": placeholder(1)}}}),
        (Pair(b"x", {"k": b"y"}), [placeholder(0), {"k": placeholder(1)}]),
        (
            [1, "a", None, b"x", 2.5, {"k": [b"y"]}],
            [1, "a", None, placeholder(0), 2.5, {"k": [placeholder(1)]}],
        ),
    ],
)
def test_binary_is_found_wherever_it_is(value, expected):
    assert built_in(value) == (expected, [b"x", b"y"])


def test_binary_in_a_set_and_in_a_view_with_gaps():
    assert built_in({b"x"}) == ([placeholder(0)], [b"x"])
    assert built_in(memoryview(b"a-b-")[::2]) == (placeholder(0), [b"ab"])


def test_a_value_without_binary_is_not_copied():
    value = ["a", [1, (2.5, None)], {"k": "v"}]
    assert extract_attachments(value, []) is value


def test_sets_become_lists_and_other_values_their_json_form():
    assert built_in(frozenset({1})) == ([1], [])
    assert built_in([Colour.RED, datetime(2020, 1, 2, tzinfo=UTC)]) == (["red", "2020-01-02T00:00:00Z"], [])
    assert built_in(Box({"\ud800"})) == ({"inside": ["\ufffd"]}, [])
    assert built_in([Box(math.nan)]) == ([{"inside": None}], [])


def cycles() -> dict[str, Any]:
    in_list: list[Any] = []
    in_list.append(in_list)
    in_dict: dict[str, Any] = {}
    in_dict["a"] = [in_dict]
    in_box = Box(None)
    in_box.inside = [in_box]
    beside_surrogate: list[Any] = ["\ud800"]
    beside_surrogate.append(beside_surrogate)
    return {"list": in_list, "dict": in_dict, "dataclass": in_box, "surrogate": beside_surrogate}


@pytest.mark.parametrize("kind", list(cycles()))
def test_value_that_contains_itself_raises(kind):
    with pytest.raises(LocalProtocolError, match="nested too deeply, or contain themselves"):
        encode_json(extract_attachments([cycles()[kind]], []))


def gone() -> memoryview:
    view = memoryview(b"x")
    view.release()
    return view


@pytest.mark.parametrize(
    "value", [object(), 1j, (i for i in ()), {(1, 2): 3}, [10**5000], gone(), Box(gone()), Box(1j)]
)
def test_value_that_cannot_be_encoded_raises(value):
    with pytest.raises(LocalProtocolError, match="cannot be encoded"):
        encode_json(extract_attachments(value, []))


# Placeholders


@given(values)
def test_attachments_go_out_and_come_back(value):
    taken: list[bytes] = []
    head = decode_json(encode_json(extract_attachments(value, taken)))
    assert insert_attachments(head, taken) == value
    assert b"".join(taken) == b"".join(binaries(value))


def binaries(value: Any) -> list[bytes]:
    """All that is binary, in the order in which it stands."""
    if isinstance(value, bytes):
        return [value]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [binary for item in inside for binary in binaries(item)]
