"""The loop of another library whose guest Trio is."""

from __future__ import annotations

from collections.abc import Callable

import trio

__all__ = ["HOST_CALL_SOON"]

#: Schedules a call in the host's loop, also from signal handlers: ``HOST_CALL_SOON.get()(function, *args)``. Unset if
#: Trio is not a guest, or handles SIGINT itself.
HOST_CALL_SOON: trio.lowlevel.RunVar[Callable[..., object] | None] = trio.lowlevel.RunVar(
    "trio_socketio.host_call_soon", default=None
)
