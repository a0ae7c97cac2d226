"""The messages of a WebSocket that wait for the application."""

from __future__ import annotations

from collections import deque

from trio_socketio._signal import Signal

__all__ = ["Inbox"]

#: How many messages wait, and how many bytes. When there are so many, the connection is not read.
INBOX_MESSAGES, INBOX_BYTES = 64, 65536


class Inbox:
    """A queue between the connection's task, which waits while it is full, and the application's task."""

    def __init__(self) -> None:
        self._messages: deque[str | bytes] = deque()
        self._bytes = 0
        self._changed = Signal()

    def __bool__(self) -> bool:
        return bool(self._messages)

    @property
    def is_full(self) -> bool:
        """Whether the connection should not be read."""
        return len(self._messages) >= INBOX_MESSAGES or self._bytes >= INBOX_BYTES

    def put(self, message: str | bytes) -> None:
        """Add a message."""
        self._messages.append(message)
        self._bytes += len(message)

    def take(self) -> str | bytes:
        """Remove the oldest message, and wake the connection's task."""
        message = self._messages.popleft()
        self._bytes -= len(message)
        self.wake()
        return message

    def wake(self) -> None:
        """Let ``changed`` return."""
        self._changed.set()

    async def changed(self) -> None:
        """Wait in the connection's task until a message is taken, or ``wake`` is called."""
        await self._changed.wait()
