"""Streams: the commands XADD, XREAD and XREVRANGE, and the entries they return."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from trio_socketio.adapters.cluster import BusError
from trio_socketio.adapters.redis._commands import Commands
from trio_socketio.adapters.redis._resp import CommandError, Reply, pack

__all__ = ["Entry", "first_id", "last_id", "pack_entry", "read_entries"]


class Entry(NamedTuple):
    """An entry of a stream.

    Attributes:
        id: its id, such as ``1795228853576-0``.
        words: the names and values of its fields, in turn.
    """

    id: str
    words: list[bytes]


def pack_entry(stream: bytes, max_len: int, fields: Sequence[bytes]) -> bytes:
    """Return the command that appends an entry.

    Args:
        stream: the key of the stream.
        max_len: about how many entries the stream keeps.
        fields: names and values in turn.
    """
    return pack(b"XADD", stream, b"MAXLEN", b"~", b"%d" % max_len, b"*", *fields)


async def read_entries(
    commands: Commands, stream: bytes, after: str, count: int, block: float
) -> Sequence[Entry]:
    """Wait for entries of one stream, at most for a time.

    Args:
        commands: a connection that nothing else uses, since the command blocks it.
        stream: the key of the stream.
        after: the id of the last entry that was read.
        count: the largest number of entries.
        block: how long to wait, in seconds. It is more than zero.

    Returns:
        The entries in their order; none if there were none in time.

    Raises:
        BusError: the connection has ended, or the server does not reply.
        CommandError: the server refuses.
    """
    milliseconds = max(1, round(block * 1000))
    reply = await commands.execute(
        b"XREAD", b"COUNT", b"%d" % count, b"BLOCK", b"%d" % milliseconds, b"STREAMS", stream, after.encode(),
        timeout=block + commands.timeout,
    )  # fmt: skip
    match reply:
        case None:
            return ()
        case [[_, list() as entries]]:
            return [_entry(commands, entry) for entry in entries]
    raise commands.connection.fail("sends no entries of a stream")


async def last_id(commands: Commands, stream: bytes) -> str:
    """Return the id of the newest entry of a stream; ``0-0`` if there is none."""
    return await _id(commands, b"XREVRANGE", stream, b"+", b"-")


async def first_id(commands: Commands, stream: bytes) -> str:
    """Return the id of the oldest entry that a stream still has; ``0-0`` if there is none."""
    return await _id(commands, b"XRANGE", stream, b"-", b"+")


async def _id(commands: Commands, command: bytes, stream: bytes, start: bytes, end: bytes) -> str:
    try:
        reply = await commands.execute(command, stream, start, end, b"COUNT", b"1")
    except CommandError as error:
        raise BusError(f"{commands.connection.name} refuses {command.decode()}: {error}") from None
    match reply:
        case []:
            return "0-0"
        case [entry]:
            return _entry(commands, entry).id
    raise commands.connection.fail("sends no entries of a stream")


def _entry(commands: Commands, reply: Reply) -> Entry:
    """Read an entry. The fields of one that was trimmed meanwhile are None: then there are none."""
    match reply:
        case [bytes() as number, list() as words] if len(words) % 2 == 0 and {*map(type, words)} <= {bytes}:
            return Entry(number.decode("ascii", "replace"), words)
        case [bytes() as number, None]:
            return Entry(number.decode("ascii", "replace"), [])
    raise commands.connection.fail("sends a malformed entry of a stream")
