"""A broadcast makes its message once, when the message is first asked for."""

from __future__ import annotations

from typing import Any

import pytest

from trio_socketio import LocalProtocolError
from trio_socketio.adapters import Broadcast, Target
from trio_socketio.socketio import encode_event


@pytest.mark.rows("G3")
def test_message_is_encoded_once_and_on_demand() -> None:
    encoded: list[Any] = []

    def encode(event: Any, args: tuple[Any, ...], ack_id: int | None) -> Any:
        encoded.append((event, args, ack_id))
        return encode_event(event, args, "/", ack_id)

    broadcast = Broadcast("ev", (1, b"two"), Target().to(["a"]), encode, 7)
    assert (broadcast.event, broadcast.args, broadcast.target.rooms) == ("ev", (1, b"two"), {"a"})
    assert encoded == []
    assert broadcast.message is broadcast.message
    assert encoded == [("ev", (1, b"two"), 7)]


def test_broadcast_that_cannot_be_encoded_raises_each_time() -> None:
    broadcast = Broadcast("ev", (object(),), Target(), lambda *args: encode_event(args[0], args[1], "/"))
    for _ in range(2):
        with pytest.raises(LocalProtocolError):
            broadcast.message  # noqa: B018
