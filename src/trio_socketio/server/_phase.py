"""The phases of a socket."""

from __future__ import annotations

from enum import Enum, auto

__all__ = ["CONNECTED", "CONNECTING", "DISCONNECTED", "REFUSED", "Phase"]


class Phase(Enum):
    """The phase of a socket, between CONNECT and its end."""

    CONNECTING = auto()  #: the middlewares run
    CONNECTED = auto()
    DISCONNECTED = auto()  #: it was connected and has ended
    REFUSED = auto()  #: it has ended without being connected: it was refused, or the client left first


#: The phases as constants of the module, because Python 3.11 takes 0.1 µs to look one up in its class.
CONNECTING, CONNECTED, DISCONNECTED, REFUSED = Phase
