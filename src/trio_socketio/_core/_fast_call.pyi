from collections.abc import Callable, Sequence
from typing import Any, Self

from typing_extensions import disjoint_base

@disjoint_base
class FastCall:
    function: Callable[..., Any]
    def expect(self, takes_socket: bool, types: tuple[type | None, ...] | None) -> None: ...
    def call(self, socket: object, args: Sequence[Any], ack: object) -> Any: ...
    def call_apart(
        self,
        socket: object,
        args: Sequence[Any],
        ack: object,
        limit: float,
        slow: Callable[[Self, float], None],
    ) -> Any: ...
