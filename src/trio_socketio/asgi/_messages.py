"""Checks the messages with which an application answers a WebSocket, and turns them into bytes."""

from __future__ import annotations

import struct

from trio_socketio._asgi_types import Message
from trio_socketio.asgi._response import bytes_of, checked_fields
from trio_socketio.engineio import is_token

__all__ = ["NORMAL", "NO_STATUS", "accept_lines", "close_of", "frame_of"]

#: The first bytes of unfragmented frames (RFC 6455 section 5.2).
TEXT, BINARY = b"\x81", b"\x82"

#: Close codes (RFC 6455 section 7.4).
NORMAL, NO_STATUS = 1000, 1005

#: The close codes that an endpoint may send (RFC 6455 section 7.4, and IANA's registry). ``NO_STATUS`` is a close frame
#: without a code.
SENDABLE = {*range(1000, 1004), NO_STATUS, *range(1007, 1015), *range(3000, 5000)}

#: Fields of the 101 response that only the server sets, besides those of RFC 6455.
_OWN = {"connection", "content-length", "transfer-encoding", "upgrade"}


def frame_of(message: Message) -> bytes:
    """Return the frame of ``websocket.send`` (RFC 6455 section 5.2).

    Raises:
        TypeError: it has neither text nor bytes.
        UnicodeEncodeError: the text contains a lone surrogate.
    """
    text = message.get("text")
    if text is None:
        opcode, payload = BINARY, bytes_of(message.get("bytes"), "'bytes' of websocket.send, without 'text',")
    elif isinstance(text, str):
        opcode, payload = TEXT, text.encode()
    else:
        raise TypeError(f"'text' of websocket.send must be a str, not {type(text).__name__}")
    size = len(payload)
    if size < 126:
        return b"%b%c%b" % (opcode, size, payload)
    if size < 65536:
        return b"%b\x7e%b%b" % (opcode, struct.pack("!H", size), payload)
    return b"%b\x7f%b%b" % (opcode, struct.pack("!Q", size), payload)


def close_of(message: Message) -> tuple[int, str]:
    """Return the code and the reason of ``websocket.close``.

    Raises:
        ValueError: the code cannot be sent.
        TypeError: the reason is no str.
    """
    code, reason = message.get("code") or NORMAL, message.get("reason") or ""
    if not isinstance(code, int) or code not in SENDABLE:
        raise ValueError(f"'code' of websocket.close must be a close code that may be sent, not {code!r}")
    if not isinstance(reason, str):
        raise TypeError(f"'reason' of websocket.close must be a str, not {type(reason).__name__}")
    reason.encode()  # a lone surrogate fails here
    return code, reason


def accept_lines(message: Message) -> bytes:
    """Return the lines that ``websocket.accept`` adds to the 101 response.

    Raises:
        ValueError: a field cannot be sent, or only the server may set it.
        TypeError: a name or a value is no bytes.
    """
    fields = checked_fields(message.get("headers", ()))
    for name, _ in fields:
        lower = name.lower()
        if lower == "sec-websocket-protocol":
            raise ValueError("name the subprotocol in 'subprotocol' of websocket.accept, not in 'headers'")
        if lower in _OWN or lower.startswith("sec-websocket-"):
            raise ValueError(f"only the server sets the header field {name} of a WebSocket")
    subprotocol = message.get("subprotocol")
    if subprotocol is not None:
        if not isinstance(subprotocol, str) or not is_token(subprotocol):
            raise ValueError(f"'subprotocol' of websocket.accept must be a token, not {subprotocol!r}")
        fields.append(("Sec-WebSocket-Protocol", subprotocol))
    return "".join([f"{name}: {value}\r\n" for name, value in fields]).encode("latin-1")
