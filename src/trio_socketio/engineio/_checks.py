"""Checks of option values. Error messages name the option and say which values it takes."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from types import UnionType

__all__ = [
    "check_age",
    "check_flag",
    "check_heartbeat",
    "check_list",
    "check_seconds",
    "check_text",
    "check_whole",
    "is_collection",
]

#: The limits of ``ping_interval`` and ``ping_timeout``, in seconds. Node's options are in milliseconds: nearly all
#: values that were copied from there exceed the upper limit, so the mistake is found.
SHORTEST, LONGEST = 0.001, 3600.0


def _check_number(name: str, value: object, kind: type[float] | tuple[type, ...], what: str) -> None:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{name} must be {what}, not {value!r}")


def check_seconds(name: str, seconds: float) -> None:
    """Check that an option is a positive number of seconds.

    Raises:
        TypeError: the value is not a number.
        ValueError: the value is not positive, or is infinite.
    """
    _check_number(name, seconds, (int, float), "a number of seconds")
    if not 0 < seconds < math.inf:
        raise ValueError(f"{name} must be a positive number of seconds, not {seconds!r}")


def check_age(name: str, seconds: float | None) -> None:
    """Check that an option is None or a number of seconds that is not negative.

    Raises:
        TypeError: the value is neither a number nor None.
        ValueError: the value is negative or infinite.
    """
    if seconds is not None:
        _check_number(name, seconds, (int, float), "a number of seconds")
        if not 0 <= seconds < math.inf:
            raise ValueError(f"{name} must be at least 0 seconds, not {seconds!r}")


def check_heartbeat(name: str, seconds: float) -> None:
    """Check that an option is a valid heartbeat time, in seconds.

    Raises:
        TypeError: the value is not a number.
        ValueError: the value is out of range.
    """
    check_seconds(name, seconds)
    if not SHORTEST <= seconds <= LONGEST:
        raise ValueError(
            f"{name} is in seconds, from {SHORTEST} to {LONGEST:.0f}, and not in milliseconds as in Node: "
            f"{seconds!r} is out of range"
        )


def check_whole(name: str, number: int, least: int = 1) -> None:
    """Check that an option is a whole number of at least ``least``.

    Raises:
        TypeError: the value is not a whole number.
        ValueError: the value is too small.
    """
    _check_number(name, number, (int,), "a whole number")
    if number < least:
        raise ValueError(f"{name} must be at least {least}, not {number!r}")


def check_flag(name: str, value: bool) -> None:
    """Check that an option is True or False.

    Raises:
        TypeError: the value is neither.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {value!r}")


def check_text(name: str, value: str) -> None:
    """Check that an option is a string.

    Raises:
        TypeError: the value is not a string.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {value!r}")


def is_collection(value: object, kinds: type | UnionType) -> bool:
    """Return whether a value is a collection, but not a mapping, and all its items are of these types."""
    return (
        isinstance(value, Collection)
        and not isinstance(value, Mapping)
        and all(isinstance(item, kinds) for item in value)
    )


def check_list(name: str, value: object) -> None:
    """Check that an option is a list or another collection of strings.

    Raises:
        TypeError: the value is not such a collection. A single string is refused, too.
    """
    if isinstance(value, str):
        raise TypeError(f"{name} must be a list, such as [{value!r}], not the str {value!r}")
    if not is_collection(value, str):
        raise TypeError(f"{name} must be a list of str, not {value!r}")
