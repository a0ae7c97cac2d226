"""Reads one stream, also over several connections, from where it was left."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from trio_socketio.adapters.cluster import BusError
from trio_socketio.adapters.redis._commands import Commands
from trio_socketio.adapters.redis._entries import Entry, first_id, last_id, read_entries
from trio_socketio.adapters.redis._resp import CommandError
from trio_socketio.adapters.redis._streams_wire import join_words

__all__ = ["Batch", "StreamReader"]

BEGINNING = "0-0"


class Batch(NamedTuple):
    """Entries that were read together.

    Attributes:
        reader: the reader, whose ``delivered`` is called with ``last``.
        contents: what ``Cluster`` receives for each entry that is not of this server.
        last: the id of the last entry.
    """

    reader: StreamReader
    contents: list[bytes]
    last: str


class StreamReader:
    """The position in a stream.

    The first connection begins behind the entries that exist. Each later one continues behind the last entry that was
    delivered, so that nothing is lost unless it was trimmed meanwhile. That is a gap.

    Args:
        stream: the key of the stream.
        uid: the id of this server, whose own entries are left out.
        count: the largest number of entries of one read.
        block: how long one read waits, in seconds.
        is_sealed: whether entries have a field ``sealed`` instead of the others.
        gap: called when entries may be missing.

    Attributes:
        stream: the key of the stream.
    """

    def __init__(
        self, stream: str, uid: str, count: int, block: float, *, is_sealed: bool, gap: Callable[[], None]
    ) -> None:
        self.stream = stream
        self._key = stream.encode()
        self._own_words = [b"uid", uid.encode()]  # the first field of own entries
        self._most, self._block = count, block
        self._count = count
        self._is_sealed, self._gap = is_sealed, gap
        self._read_up_to = BEGINNING
        self._delivered: str | None = None

    async def begin(self, commands: Commands) -> None:
        """Take up the stream on a new connection.

        Raises:
            BusError: the connection has ended.
        """
        newest = await last_id(commands, self._key)
        if self._delivered is None:
            self._delivered = newest
        elif _order(newest) < _order(self._delivered):  # Redis has lost the stream, or a part of it
            self._delivered = newest
            self._gap()
        self._count = 1  # the last read may have failed because its reply was too large
        self._read_up_to = self._delivered
        await self._look_for_gap(commands)

    async def _look_for_gap(self, commands: Commands) -> None:
        """Report a gap if the last entry that was read has been trimmed, because those behind it may be, too."""
        oldest = await first_id(commands, self._key)
        if self._read_up_to != BEGINNING and _order(oldest) > _order(self._read_up_to):
            self._gap()

    async def read(self, commands: Commands) -> Batch | None:
        """Wait for entries at most for a time; None: there were none.

        Raises:
            BusError: the connection has ended, or the server refuses to read.
        """
        try:
            entries = await read_entries(commands, self._key, self._read_up_to, self._count, self._block)
        except CommandError as error:
            raise BusError(f"{commands.connection.name} refuses XREAD: {error}") from None
        if not entries:
            return None
        self._read_up_to = entries[-1].id
        if len(entries) == self._count:  # this server may be far behind
            await self._look_for_gap(commands)
            self._count = min(2 * self._count, self._most)
        return Batch(self, [item for item in map(self._content, entries) if item is not None], entries[-1].id)

    def delivered(self, last: str) -> None:
        """Continue behind this entry on the next connection."""
        self._delivered = last

    def _content(self, entry: Entry) -> bytes | None:
        """Return what ``Cluster`` receives for an entry; None for one of this server."""
        words = entry.words
        if self._is_sealed:
            return words[1] if words[:1] == [b"sealed"] else b""
        return None if words[:2] == self._own_words else join_words(words)


def _order(number: str) -> tuple[int, int]:
    """Return the id of an entry in a form that can be compared."""
    milliseconds, _, sequence = number.partition("-")
    try:
        return int(milliseconds), int(sequence)
    except ValueError:
        raise BusError(f"a stream has an entry with the id {number[:50]!r}") from None
