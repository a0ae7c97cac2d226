"""JSON for Socket.IO: the differences of JavaScript, and text that is refused."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import oracle

from trio_socketio.errors import RemoteProtocolError
from trio_socketio.socketio._json import decode_json, encode_json, extract_attachments, insert_attachments

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)
surrogates = st.text(st.characters(categories=["Cs", "L"]), min_size=1)


@pytest.mark.rows("D14")
@given(values)
def test_text_goes_out_as_utf8_and_means_the_same_to_the_standard_library(value):
    encoded = encode_json(value)
    assert oracle.strict_json(encoded.decode()) == value
    if isinstance(value, str) and value.isprintable() and not {'"', "\\"} & set(value):
        assert encoded == f'"{value}"'.encode()


@given(values, st.booleans())
def test_what_the_standard_library_writes_is_read(value, ascii_only):
    assert decode_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(values, st.data())
def test_mutated_json_gets_the_verdict_of_the_standard_library(value, draw):
    text = json.dumps(value)
    at = draw.draw(st.integers(0, len(text) - 1))
    text = text[:at] + draw.draw(st.sampled_from('"\\{}[],:0-+.eNu \t')) + text[at + 1 :]
    try:
        expected = oracle.strict_json(text)
        json.dumps(expected, allow_nan=False)  # raises for a number that has become infinite
        well = True
    except (ValueError, oracle.Bad):
        well = False
    if not well:
        with pytest.raises(RemoteProtocolError):
            decode_json(text.encode())
    elif "\\u" not in text:
        assert decode_json(text.encode()) == expected


# Lone surrogates, which JavaScript has and UTF-8 has not


@pytest.mark.rows("D14")
@given(surrogates)
def test_lone_surrogates_become_the_replacement_character_both_ways(text):
    paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    replaced = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
    assert json.loads(encode_json([text, {text: text}])) == [replaced, {replaced: replaced}]
    assert len(decode_json(json.dumps([text]).encode())[0]) == len(paired)


def test_surrogates_in_escapes():
    assert decode_json(
        rb'["\ud800","\uDC00x","\ud83d\ude00",{"\udfff":"\ud8"}]'.replace(rb'"\ud8"', b"1")
    ) == [
        "\ufffd",
        "\ufffdx",
        "😀",
        {"\ufffd": 1},
    ]


def test_invalid_json_with_a_surrogate_is_refused():
    for wrong in (
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"-1e999",
        b"01",
        b"+1",
        b"'a'",
        b'"\t"',
        b"1" * 5000,
        b"tru",
        b"",
    ):
        with pytest.raises(RemoteProtocolError):
            decode_json(rb'["\ud800",' + wrong + b"]")


def test_json_is_utf8_also_beside_a_surrogate():
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"):
        text = '["\\ud800","\u755c\u3864\u1234"]'.encode(encoding)
        with pytest.raises(RemoteProtocolError):
            decode_json(text)


# Numbers


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", "01", "-01", "+1", ".5", "1.", "1e", "0x1", "1_0", "-"]
)
def test_what_is_no_json_number_is_refused(text):
    with pytest.raises(RemoteProtocolError, match="invalid JSON"):
        decode_json(f"[{text}]".encode())


@pytest.mark.parametrize("text", ["1e999", "-1e999", "1" * 5000, "-" + "1" * 5000])
def test_a_number_beyond_all_limits_is_a_bad_packet(text):
    with pytest.raises(RemoteProtocolError, match="invalid JSON"):
        decode_json(f"[{text}]".encode())


def test_json_with_a_number_beyond_all_limits_is_not_read_again_because_of_a_surrogate():
    with pytest.raises(RemoteProtocolError, match="out of range"):
        decode_json(b"[" + b"1" * 5000 + rb',"\ud800"]')


def test_numbers_at_the_edge_are_handed_over_and_can_be_sent_back():
    text = b"[1e-999,9007199254740993,18446744073709551616," + b"1" * 30 + b",-0.0]"
    numbers = decode_json(text)
    assert numbers[:4] == [0.0, 2**53 + 1, 2**64, int("1" * 30)]
    assert oracle.strict_json(encode_json(numbers).decode()) == numbers


def test_nan_and_infinities_become_null():
    assert encode_json([math.nan, math.inf, -math.inf, {"a": math.nan}]) == b'[null,null,null,{"a":null}]'


# Structure


def test_the_last_of_equal_keys_wins():
    assert decode_json(b'{"a":1,"a":2,"b":3,"a":4}') == {"a": 4, "b": 3}
    assert decode_json(rb'{"a":"\ud800","a":2}') == {"a": 2}


def test_keys_of_the_object_model_are_plain_data():
    text = b'{"__proto__":1,"__class__":{"constructor":[]},"toString":null}'
    assert encode_json(decode_json(text)) == text


BOMBS = [b"[" * 48_000 + b"]" * 48_000, b'{"a":' * 48_000 + b"1" + b"}" * 48_000, b"[" * 1_000_000]


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_nesting_bomb_is_a_bad_packet(bomb):
    with pytest.raises(RemoteProtocolError, match="invalid JSON"):
        decode_json(bomb)
    with pytest.raises(RemoteProtocolError, match="invalid JSON"):
        decode_json(rb'["\ud800",' + bomb + b"]")


def test_fifty_levels_always_work():
    text = b"[" * 50 + rb'"\ud800"' + b"]" * 50
    value = decode_json(text)
    assert encode_json(value) == text.replace(rb"\ud800", "\ufffd".encode())
    taken: list[bytes] = []
    assert insert_attachments(extract_attachments([value, b"x"], taken), taken) == [value, b"x"]
