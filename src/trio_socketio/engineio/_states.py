"""The states of a session, and what moves it from one to another.

Source: Engine.IO protocol, "Handshake", "Upgrade".
"""

from __future__ import annotations

from enum import Enum, auto

__all__ = ["TRANSITIONS", "Event", "State"]


class State(Enum):
    """Where a session stands."""

    OPENING = auto()
    OPEN = auto()
    UPGRADING = auto()
    CLOSING = auto()  #: what is queued is still sent
    CLOSED = auto()


class Event(Enum):
    """What moves a session from one state to another."""

    OPENED = auto()  #: the open packet is queued
    CANDIDATE = auto()  #: a WebSocket for the upgrade is there
    UPGRADED = auto()  #: the upgrade packet came
    CANDIDATE_LOST = auto()
    CLOSE = auto()
    END = auto()


#: All transitions live here; an event that a state does not list is a mistake of ours.
TRANSITIONS: dict[State, dict[Event, State]] = {
    State.OPENING: {Event.OPENED: State.OPEN, Event.END: State.CLOSED},
    State.OPEN: {Event.CANDIDATE: State.UPGRADING, Event.CLOSE: State.CLOSING, Event.END: State.CLOSED},
    State.UPGRADING: {
        Event.UPGRADED: State.OPEN,
        Event.CANDIDATE_LOST: State.OPEN,
        Event.CLOSE: State.CLOSING,
        Event.END: State.CLOSED,
    },
    # An upgrade goes on while the session closes: the client may have stopped polling already.
    State.CLOSING: {
        Event.UPGRADED: State.CLOSING,
        Event.CANDIDATE_LOST: State.CLOSING,
        Event.END: State.CLOSED,
    },
    State.CLOSED: {},
}
