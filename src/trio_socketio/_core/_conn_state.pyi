from collections.abc import Callable
from typing import Self, final

from typing_extensions import disjoint_base

from trio_socketio._core._message import Dialect
from trio_socketio._core._wheel import TimerWheel

@final
class FlushList:
    on_dirty: Callable[[], None]

@disjoint_base
class ConnectionState:
    open: bool
    paused: bool
    watched: bool
    report_pongs: bool
    dialect: Dialect | None
    def __new__(
        cls,
        wheel: TimerWheel,
        *,
        max_message_bytes: int,
        max_fragments: int,
        max_packets: int,
        max_bytes: int,
        policy: int,
        dialect: Dialect | None = None,
    ) -> Self: ...
    def set_poll_waits(self, value: bool) -> None: ...
    def set_streaming(self) -> None: ...
    @property
    def in_turn(self) -> bool: ...
    @property
    def in_own_thread(self) -> bool: ...
    @property
    def is_writable(self) -> bool: ...
    @property
    def is_loaded(self) -> bool: ...
    @property
    def volatile_lost(self) -> int: ...
    @property
    def has_output(self) -> bool: ...
    @property
    def queued_packets(self) -> int: ...
    @property
    def queued_bytes(self) -> int: ...
    @property
    def inflight_bytes(self) -> int: ...
    @property
    def compressible(self) -> bool: ...
    @property
    def pushed(self) -> int: ...
    @property
    def confirmed(self) -> int: ...
    @property
    def dropped(self) -> int: ...
