"""The states of a session and the transitions between them.

Source: Engine.IO protocol, "Handshake", "Upgrade".
"""

from __future__ import annotations

from enum import Enum, auto

__all__ = ["TRANSITIONS", "Event", "State"]


class State(Enum):
    """The state of a session."""

    OPENING = auto()
    OPEN = auto()
    UPGRADING = auto()
    CLOSING = auto()  #: queued messages are still sent
    CLOSED = auto()


class Event(Enum):
    """An event that changes the state of a session."""

    OPENED = auto()  #: the open packet is queued
    CANDIDATE = auto()  #: a WebSocket for the upgrade was opened
    UPGRADED = auto()  #: the upgrade packet came
    CANDIDATE_LOST = auto()
    CLOSE = auto()
    END = auto()


#: All transitions. An event that is not listed for a state is a bug in this package.
TRANSITIONS: dict[State, dict[Event, State]] = {
    State.OPENING: {Event.OPENED: State.OPEN, Event.END: State.CLOSED},
    State.OPEN: {Event.CANDIDATE: State.UPGRADING, Event.CLOSE: State.CLOSING, Event.END: State.CLOSED},
    State.UPGRADING: {
        Event.UPGRADED: State.OPEN,
        Event.CANDIDATE_LOST: State.OPEN,
        Event.CLOSE: State.CLOSING,
        Event.END: State.CLOSED,
    },
    # An upgrade continues while the session closes, because the client may have stopped polling already.
    State.CLOSING: {
        Event.UPGRADED: State.CLOSING,
        Event.CANDIDATE_LOST: State.CLOSING,
        Event.END: State.CLOSED,
    },
    State.CLOSED: {},
}
