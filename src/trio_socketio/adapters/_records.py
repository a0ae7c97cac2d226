"""Sockets of other servers, as their servers describe them."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["SocketRecord"]


class SocketRecord(msgspec.Struct, frozen=True):
    """A socket as a server describes it to other servers.

    Attributes:
        id: the id of the socket.
        handshake: the details of its connection request, with Node's names.
        rooms: its rooms.
        data: the part of its data that both JSON and MessagePack can hold.
    """

    id: str
    handshake: dict[str, Any] = {}
    rooms: frozenset[str] = frozenset()
    data: Any = None
