from collections.abc import Callable
from typing import Any, Generic, TypeVar, final

from trio_socketio._core._message import Message

_E = TypeVar("_E")

__pyx_capi__: dict[str, object]  # the C functions that other modules of this package call

def is_json(value: object) -> bool: ...

@final
class EventReader(Generic[_E]):
    def __new__(
        cls,
        decode: Callable[[bytes], Any],
        event: Callable[[str, str, list[Any], int | None, int], _E],
        reserved: frozenset[str],
    ) -> EventReader[_E]: ...
    def read(self, data: bytes) -> _E | None: ...

@final
class PacketWriter:
    def __new__(
        cls, namespace: str, encode: Callable[[Any], bytes], reserved: frozenset[str]
    ) -> PacketWriter: ...
    def event(self, name: object, args: tuple[Any, ...], ack_id: int | None = None) -> Message | None: ...
    def ack(self, ack_id: int, values: tuple[Any, ...]) -> Message | None: ...
