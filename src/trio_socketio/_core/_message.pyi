from collections.abc import Iterable
from typing import final

from typing_extensions import Buffer

from trio_socketio._core._deflate import Deflate

__pyx_capi__: dict[str, object]  # the C functions that other modules of this package call

@final
class Dialect:
    def __new__(cls, revision: int = 4, base64: bool = False, deflate: Deflate | None = None) -> Dialect: ...
    @property
    def deflate(self) -> Deflate | None: ...
    @property
    def revision(self) -> int: ...
    @property
    def base64(self) -> bool: ...

@final
class Message:
    compress: bool
    def __init__(
        self,
        text: str | Buffer | None,
        attachments: Iterable[Buffer] = (),
        *,
        packet_type: str = "4",
        key: int = 0,
    ) -> None: ...
    def __len__(self) -> int: ...
    @property
    def forms(self) -> frozenset[str]: ...
    def payload(self) -> bytes: ...
