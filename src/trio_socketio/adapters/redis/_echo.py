"""How the messages of a server begin. Redis sends a server its own messages back, and the bus drops them."""

from __future__ import annotations

__all__ = ["own_prefixes"]

#: The lengths of the MessagePack arrays and maps that messages are.
LENGTHS = range(3, 12)
#: The length of an event for sockets, which is the most frequent message and therefore compared first.
EVENT_LENGTH = 4


def own_prefixes(uid: str) -> tuple[bytes, ...]:
    """Return what all messages of a server begin with: as JSON, as MessagePack maps, and as MessagePack arrays.

    Args:
        uid: the id of the server, which every message has at its beginning.
    """
    name = uid.encode()
    assert len(name) < 32  # the head of such a text is one byte
    text = bytes((0xA0 | len(name),)) + name
    maps = (bytes((0x80 | length,)) + b"\xa3uid" + text for length in LENGTHS)
    arrays = (bytes((0x90 | length,)) + text for length in LENGTHS if length != EVENT_LENGTH)
    return bytes((0x90 | EVENT_LENGTH,)) + text, b'{"uid":"%b"' % name, *maps, *arrays
