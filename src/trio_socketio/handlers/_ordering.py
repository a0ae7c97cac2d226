"""Keys of events, which decide the order in which the events of a socket are handled."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from trio_socketio.handlers._inbox import Event

__all__ = ["KEYS", "Key", "concurrent", "serial"]

#: Returns the key of an event. Events of one socket with the same key are handled one after the other, in the order of
#: their arrival. An event whose key is None does not wait for other events.
Key = Callable[[Event], Hashable]


def serial(event: Event) -> Hashable:
    """Return the same key for all events: they are handled one after the other."""
    return 0


def concurrent(event: Event) -> Hashable:
    """Return None for all events: they are handled concurrently.

    Their handlers start in the order of arrival: each runs to its first checkpoint before the next one starts.
    """
    return None


#: The key functions by the values of the option ``ordering``.
KEYS: dict[str, Key] = {"serial": serial, "concurrent": concurrent}
