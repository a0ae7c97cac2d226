"""Declaring an option with its default, unit, check and conversion."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import pytest

from trio_socketio.server._config import ServerConfig
from trio_socketio.serving._option import check_options, convert_options, option


def check_even(name: str, number: int) -> None:
    if number % 2:
        raise ValueError(f"{name} must be even")


@dataclass(frozen=True)
class Config:
    even: int = option(2, check_even, unit="bytes")
    words: str = option("a b", convert=str.split)
    names: dict[str, int] = option(factory=dict)

    def __post_init__(self) -> None:
        check_options(self)


def test_option_has_its_default() -> None:
    assert Config() == Config(2, "a b", {})
    assert Config().names is not Config().names


def test_option_has_its_unit() -> None:
    assert [item.metadata["unit"] for item in fields(Config)] == ["bytes", "", ""]


def test_check_is_called_with_the_name() -> None:
    with pytest.raises(ValueError, match="even must be even"):
        Config(even=3)


def test_conversion_that_fails_refuses_the_value() -> None:
    with pytest.raises(TypeError):
        Config(words=5)  # type: ignore[arg-type]


def test_options_are_converted_by_name() -> None:
    assert convert_options(Config(words="x y"), {"even", "words"}) == {"even": 2, "words": ["x", "y"]}


@pytest.mark.parametrize("item", fields(ServerConfig), ids=lambda item: item.name)
def test_each_option_is_checked_or_converted(item: Any) -> None:
    assert item.metadata["check"] is not None or item.metadata["convert"] is not None
