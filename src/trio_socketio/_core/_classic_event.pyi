from collections.abc import Callable
from typing import Generic, TypeVar, final

from trio_socketio._core._message import Message

_T = TypeVar("_T")

@final
class ClassicEventReader(Generic[_T]):
    def __new__(
        cls, namespace: str, target: Callable[[bytes], _T], reserved: frozenset[str]
    ) -> ClassicEventReader[_T]: ...
    def read(self, payload: bytes) -> tuple[str, int | None, _T, Message] | None: ...
