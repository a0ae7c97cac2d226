"""The state that an Engine.IO server shares with a Socket.IO server above it."""

from __future__ import annotations

from trio_socketio.engineio import Engine, EngineHooks
from trio_socketio.serving._observer import EngineObserver

__all__ = ["EngineState"]


class EngineState:
    """The state that an ``EngineServer`` shares with a ``Server`` above it.

    Attributes:
        hooks: the application's functions for HTTP requests.
        observer: the application's observer of sessions; None if there is none.
        engine: the engine while the server runs, else None.
        is_below: whether the ``EngineServer`` belongs to a ``Server``.
    """

    __slots__ = ("engine", "hooks", "is_below", "observer")

    def __init__(self) -> None:
        self.hooks = EngineHooks()
        self.observer: EngineObserver | None = None
        self.engine: Engine | None = None
        self.is_below = False
