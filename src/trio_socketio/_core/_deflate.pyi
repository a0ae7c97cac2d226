from typing import final

@final
class Deflate:
    def __new__(
        cls,
        *,
        threshold: int,
        level: int = 6,
        window_bits: int = 15,
        mem_level: int = 8,
        max_bytes: int,
    ) -> Deflate: ...
