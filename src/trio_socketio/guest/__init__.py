"""Servers inside programs of asyncio: Trio runs as a guest of their loop, on the same thread."""

from trio_socketio.guest._guest import Guest
from trio_socketio.guest._listeners import Address

__all__ = ["Address", "Guest"]

Guest.__module__ = __name__  # where users find it
