"""Declare an option of a server with its default, its unit, its check and its conversion, next to its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, field, fields
from typing import Any

__all__ = ["check_options", "convert_options", "option"]

#: A function that raises TypeError or ValueError, with the name of the option, for a value that is not allowed.
Check = Callable[[str, Any], object]


def option(
    default: object = MISSING,
    check: Check | None = None,
    *,
    unit: str = "",
    convert: Callable[[Any], object] | None = None,
    factory: Callable[[], object] | Any = MISSING,
) -> Any:
    """Declare an option as a field of a dataclass.

    Args:
        default: the value if none is given.
        check: called with the name and the value when the dataclass is made.
        unit: the unit of the value, as in docs/options.md: ``"s"``, ``"bytes"``.
        convert: turns the application's value into the engine's. It may raise the same errors as ``check``.
        factory: makes the default; use either this or ``default``.
    """
    metadata = {"check": check, "unit": unit, "convert": convert}
    if factory is not MISSING:
        return field(default_factory=factory, metadata=metadata)
    return field(default=default, metadata=metadata)


def _convert(item: Field[Any], value: object) -> Any:
    convert = item.metadata["convert"]
    return value if convert is None else convert(value)


def check_options(config: Any) -> None:
    """Check the value of each option of a dataclass.

    Raises:
        TypeError: a value has the wrong type.
        ValueError: a value is out of range.
    """
    for item in fields(config):
        value = getattr(config, item.name)
        if item.metadata["check"] is not None:
            item.metadata["check"](item.name, value)
        _convert(item, value)


def convert_options(config: Any, names: set[str]) -> dict[str, Any]:
    """Return the converted values of the options of a dataclass that have these names."""
    return {
        item.name: _convert(item, getattr(config, item.name)) for item in fields(config) if item.name in names
    }
