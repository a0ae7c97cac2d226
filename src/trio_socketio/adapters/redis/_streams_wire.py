"""The entries of the streams that servers write, in the format of Node's package @socket.io/redis-streams-adapter 0.3.

An entry has the fields ``uid``, ``nsp``, ``type`` and ``data``. The data is JSON, or base64 of MessagePack if it holds
binary. Between the adapter and the bus, an entry is one message: a MessagePack array of the names and values in turn.
"""

from __future__ import annotations

import binascii
from typing import Any

import msgspec

from trio_socketio._core import EventWriter
from trio_socketio.adapters.cluster import Envelope, Malformed, MessageType, decode_data, pack
from trio_socketio.adapters.cluster._messages import Seq
from trio_socketio.adapters.cluster._wire import around_packet
from trio_socketio.errors import LocalProtocolError
from trio_socketio.socketio import encode_plainly

__all__ = [
    "NODE_MAX_LEN",
    "content_writer",
    "decode_entry",
    "fields_of",
    "join_words",
    "node_hash",
    "split_words",
    "stream_of",
    "words_of",
]

#: About how many entries a stream keeps: the default of Node.
NODE_MAX_LEN = 10_000

TYPES = {str(int(kind)).encode(): int(kind) for kind in MessageType}

_split = msgspec.msgpack.Decoder(list[bytes]).decode
_seq = msgspec.json.Decoder(Seq).decode


def node_hash(text: str) -> int:
    """Return the hash by which Node chooses the stream of a namespace: 32 bits with a sign."""
    value = 0
    units = text.encode("utf-16-le", "surrogatepass")
    for position in range(0, len(units), 2):
        value = (value * 31 + int.from_bytes(units[position : position + 2], "little")) & 0xFFFF_FFFF
    return value - (1 << 32) if value >> 31 else value


def stream_of(name: str, count: int, namespace: str) -> str:
    """Return the key of the stream of a namespace.

    If there are several streams, the number may be negative, because the remainder has the sign of the hash in
    JavaScript. Node writes to such a stream and does not read it; servers of this package do both.
    """
    if count == 1:
        return name
    number = node_hash(namespace)
    remainder = abs(number) % count
    return f"{name}-{-remainder if number < 0 else remainder}"


def fields_of(
    uid: str,
    nsp: str,
    kind: MessageType,
    data: dict[str, Any],
    seq: int | None = None,
    *,
    only_plaintext: bool = False,
) -> list[bytes]:
    """Return the names and values of an entry's fields, in turn.

    Raises:
        LocalProtocolError: the data cannot be encoded, or holds binary in spite of ``only_plaintext``.
    """
    content = pack(data)
    if content[:1] != b"{":
        if only_plaintext:
            raise LocalProtocolError("an argument holds binary, and the adapter has only_plaintext=True")
        content = binascii.b2a_base64(content, newline=False)
    return words_of(uid, nsp, kind, content, seq)


def content_writer(nsp: str) -> EventWriter:
    """Make an encoder for the field ``data`` of events with plain arguments.

    Args:
        nsp: the namespace.
    """
    return EventWriter(encode_plainly, lambda _, target: (*around_packet(nsp, target), b""))


def words_of(uid: str, nsp: str, kind: MessageType, content: bytes, seq: int | None) -> list[bytes]:
    """Return the names and values of an entry's fields, in turn, for the content of the field ``data``."""
    words = [b"uid", uid.encode(), b"nsp", nsp.encode(), b"type", b"%d" % kind, b"data", content]
    return words if seq is None else [*words, b"seq", b"%d" % seq]


def join_words(words: list[bytes]) -> bytes:
    """Return one message for the names and values of an entry."""
    return msgspec.msgpack.encode(words)


def split_words(message: bytes) -> list[bytes]:
    """Return what ``join_words`` was called with."""
    return _split(message)


def decode_entry(message: bytes) -> Envelope:
    """Decode an entry.

    Args:
        message: the names and values of its fields, joined by ``join_words``.

    Raises:
        Malformed: it is not an entry of a server.
    """
    try:
        words = split_words(message)
        fields = dict(zip(words[::2], words[1::2], strict=True))
        uid, nsp = fields[b"uid"].decode(), fields[b"nsp"].decode()
        kind, data = TYPES[fields[b"type"]], fields.get(b"data", b"")
        seq = _seq(fields[b"seq"]) if b"seq" in fields else None
        is_json = data[:1] == b"{"
        if not is_json:
            data = binascii.a2b_base64(data, strict_mode=bool(data))
    except (KeyError, ValueError, msgspec.DecodeError):
        raise Malformed("garbage") from None
    if len(uid) > 64:
        raise Malformed("invalid")
    return Envelope(uid, nsp, *decode_data(kind, data, is_json=is_json), seq)
