"""Checks of strings that are written into header fields."""

from __future__ import annotations

import pytest

from trio_socketio.engineio import is_field_value, is_token


@pytest.mark.parametrize("text", ["io", "GET", "a.b-c_d~e", "!#$%&'*+^`|", "0"])
def test_token_has_letters_digits_and_some_signs(text: str) -> None:
    assert is_token(text)


@pytest.mark.parametrize("text", ["", " ", "a b", "a,b", "a;b", "a=b", 'a"b', "a\n", "a\r\nb", "é", "a\0"])
def test_other_strings_are_no_tokens(text: str) -> None:
    assert not is_token(text)


@pytest.mark.parametrize("text", ["", "a b", "a\tb", "caf\xe9", "\x80\xff", "a;b=c, d"])
def test_field_value_may_have_spaces_tabs_and_bytes_above_ascii(text: str) -> None:
    assert is_field_value(text)


@pytest.mark.parametrize("text", ["a\n", "a\r\nb", "\0", "\x1b[0m", "\x7f", "\u0100", "\t\n"])
def test_field_value_has_no_control_characters_and_nothing_beyond_latin_1(text: str) -> None:
    assert not is_field_value(text)
