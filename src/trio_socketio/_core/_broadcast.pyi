from collections.abc import Callable
from typing import Any, final

from trio_socketio._core._message import Message
from trio_socketio.socketio import Target  # for its type only: the compiled module takes any object

@final
class Broadcast:
    target: Target
    must_settle: bool
    unsent: Any
    @property
    def event(self) -> str | float: ...
    @property
    def args(self) -> tuple[Any, ...]: ...
    @property
    def ack_id(self) -> int | None: ...
    @property
    def waits(self) -> bool: ...
    @property
    def message(self) -> Message: ...
    def __init__(
        self,
        event: str | float,
        args: tuple[Any, ...],
        target: Target,
        encode: Callable[[str | float, tuple[Any, ...], int | None], Message],
        ack_id: int | None = None,
        *,
        waits: bool = False,
    ) -> None: ...

@final
class Pace:
    def __init__(self, messages: int, size: int, unreached: int) -> None: ...
    def count(self, message: Message, reached: bool) -> bool: ...
