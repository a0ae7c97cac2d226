"""One connection to a Redis server: bytes out, parsed replies in (RESP2, as the Redis documentation specifies it)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import trio

from trio_socketio._core import frequent_replies, reply_end
from trio_socketio.adapters.cluster import BusError

if TYPE_CHECKING:
    from hiredis import Reader

__all__ = [
    "MAX_REPLY_BYTES",
    "CommandError",
    "Reply",
    "RespConnection",
    "pack",
    "require_hiredis",
]

#: bytes, an int, None, a list of these, or a ``CommandError``.
Reply = Any

#: How many bytes of one reply are kept while its rest is missing.
MAX_REPLY_BYTES = 16_777_216

CHUNK_BYTES = 65536


class CommandError(Exception):
    """An error reply of Redis. ``code`` is its first word, such as ``NOPERM``."""

    @property
    def code(self) -> str:
        return str(self).partition(" ")[0]


class MalformedReply(Exception):
    """The server has sent something that is no reply."""


def require_hiredis() -> None:
    """Check that the extra is installed.

    Raises:
        ImportError: it is not.
    """
    try:
        import hiredis  # noqa: F401, PLC0415
    except ImportError:
        raise ImportError("Redis needs more packages: pip install 'trio-socketio[redis]'") from None


def _new_reader() -> Reader:
    from hiredis import Reader  # noqa: PLC0415

    return Reader(protocolError=MalformedReply, replyError=CommandError, notEnoughData=_MISSING)


_MISSING = object()


def pack(*words: bytes) -> bytes:
    """Return a command as the server takes it."""
    return b"*%d\r\n%b" % (len(words), b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words]))


class RespConnection:
    """Sends commands and parses replies. It does not know which reply belongs to which command.

    A failure ends the connection: afterwards each call raises it again. The replies that a hostile server sends are
    bounded in bytes by ``max_reply_bytes``, and in depth by hiredis.

    Args:
        stream: the connection.
        name: where it leads, for messages.
        max_reply_bytes: the largest reply.
        interrupt: called when the connection ends by a failure. It makes waiting calls of the stream end; None: they
            end when the connection is closed.

    Attributes:
        name: where it leads.
        failure: why the connection has ended; None while it works.
        max_reply_bytes: the largest reply.
        ended: called with the reason when the connection ends by a failure or is closed; None: nothing is called.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        name: str,
        *,
        max_reply_bytes: int = MAX_REPLY_BYTES,
        interrupt: Callable[[], object] | None = None,
    ) -> None:
        self.name = name
        self.failure: BusError | None = None
        self.max_reply_bytes = max_reply_bytes
        self.ended: Callable[[str], object] | None = None
        self._stream, self._interrupt = stream, interrupt
        self._reader = _new_reader()
        self._rest = b""
        self._is_general = False
        self._partial_bytes = 0

    def fail(self, reason: str) -> BusError:
        """End the connection, and return the error. The first reason stays."""
        if self.failure is None:
            self.failure = BusError(f"{self.name} {reason}")
            if self._interrupt is not None:
                self._interrupt()
            if self.ended is not None:
                self.ended(reason)
        return BusError(*self.failure.args)

    def check(self) -> None:
        """Raise the failure if there is one."""
        if self.failure is not None:
            raise BusError(*self.failure.args)

    async def send(self, data: bytes) -> None:
        """Send packed commands. One task at a time may call this.

        When this is cancelled before the first byte is sent, nothing happens. When it is cancelled later, the
        connection ends, because it may carry half of a command.

        Raises:
            BusError: the connection has ended.
        """
        self.check()
        await trio.lowlevel.checkpoint_if_cancelled()
        try:
            await self._stream.send_all(data)
        except trio.Cancelled:
            self.fail("is slow: a command was cancelled when a part of it was sent")
            raise
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise self.fail(f"is lost: {_cause(error)}") from error

    async def read(self, skipped: tuple[bytes, ...] = ()) -> list[Reply]:
        """Wait until something arrives, and return the replies that are now complete. They may be none.

        One task at a time may call this. When it is cancelled, no reply is lost.

        Args:
            skipped: messages whose content begins with one of these are left out, if that saves time.

        Raises:
            BusError: the connection has ended, or the server has sent something that is no reply.
        """
        self.check()
        try:
            data = await self._stream.receive_some(max(CHUNK_BYTES, len(self._rest)))
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise self.fail(f"is lost: {_cause(error)}") from error
        if not data:
            raise self.fail("has closed the connection")
        return self._parse(self._rest + data, skipped)

    def _parse(self, data: bytes, skipped: tuple[bytes, ...]) -> list[Reply]:
        """Parse replies.

        hiredis gets those that are not frequent, and each as a whole, so that it never keeps a part. If the end of a
        reply cannot be found, it gets everything from there on.
        """
        replies: list[Reply] = []
        at = 0
        while not self._is_general and (at := frequent_replies(data, at, skipped, replies)) < len(data):
            end = reply_end(data, at)
            if end == 0 and len(data) - at <= self.max_reply_bytes:
                break
            if end > 0:
                replies += self._parse_generally(data[at:end])
                at = end
            else:
                self._is_general = True
        self._rest = data[at:]
        if self._is_general and self._rest:
            replies += self._parse_generally(self._rest)
            self._rest = b""
        return replies

    def _parse_generally(self, data: bytes) -> list[Reply]:
        reader = self._reader
        replies: list[Reply] = []
        self._partial_bytes += len(data)
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not _MISSING:
                self._partial_bytes = 0
                replies.append(reply)
        except (MalformedReply, TypeError, MemoryError) as error:
            raise self.fail(f"sends malformed replies: {str(error)[:100]}") from error
        if self._partial_bytes > self.max_reply_bytes:
            raise self.fail(f"sends a reply of more than {self.max_reply_bytes} bytes")
        return replies

    async def aclose(self) -> None:
        """Close the connection without waiting for the server."""
        self.fail("was closed here")
        await trio.aclose_forcefully(self._stream)


def _cause(error: BaseException) -> str:
    """Return the text of an error of a stream. Trio's own text does not tell what has happened."""
    return str(error.__cause__ or error) or type(error).__name__
