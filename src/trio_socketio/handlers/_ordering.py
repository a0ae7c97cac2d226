"""In which order a socket's events are handled: by their keys."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from trio_socketio.handlers._inbox import Event

__all__ = ["KEYS", "Key", "concurrent", "serial"]

#: Returns the key of an event. Events of one socket with the same key are handled one after the other, in the order of
#: their arrival; an event whose key is None waits for no other.
Key = Callable[[Event], Hashable]


def serial(event: Event) -> Hashable:
    """Return one key for all events."""
    return 0


def concurrent(event: Event) -> Hashable:
    """Return None: events overlap. They start in the order of arrival, each up to its first wait."""
    return None


#: By the values of the option ``ordering``.
KEYS: dict[str, Key] = {"serial": serial, "concurrent": concurrent}
