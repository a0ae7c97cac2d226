from collections.abc import Callable
from typing import Any, final

from trio_socketio._core._broadcast import Broadcast
from trio_socketio.socketio import Target  # for its type only

@final
class EventWriter:
    def __init__(
        self, encode: Callable[[Any], bytes], prepare: Callable[[str, Target], tuple[bytes, bytes, bytes]]
    ) -> None: ...
    def write(self, uid: str, broadcast: Broadcast, number: int | None = None) -> bytes | None: ...
