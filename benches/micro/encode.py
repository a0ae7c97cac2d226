"""Times the encoding of an event with its arguments to a message."""

from __future__ import annotations

from functools import partial
from typing import Any

from micro.measure import calls, tell
from trio_socketio.socketio import encode_event

TEXT = "the quick brown fox jumps over the lazy dog, twice"


def main() -> None:
    """Print all answers."""
    chat: Any = {"user": "alice", "text": TEXT, "sent": 1_760_000_000_000, "tags": ["a", "b"]}
    picture: Any = {"name": "cat.png", "data": bytes(1024)}
    for name, question, value in (
        ("encode-text", "What does an event with one string cost to encode?", TEXT),
        ("encode-object", "And one with an object, as a chat sends?", chat),
        ("encode-binary", "And one with an attachment of 1 KiB?", picture),
    ):
        tell(calls(name, "event", question, partial(encode_event, "chat", (value,))))


if __name__ == "__main__":
    main()
