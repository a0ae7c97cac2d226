"""The options of compression: which messages and responses are compressed, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

__all__ = ["HttpCompression", "PerMessageDeflate"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class PerMessageDeflate:
    """The compression of WebSocket messages (RFC 7692), without context takeover.

    Attributes:
        threshold: the smallest message that is compressed, in bytes.
        level: the compression level of zlib, from 1 (fast) to 9 (small).
        window_bits: the size of the window as a power of two, from 9 to 15. zlib cannot use 8 without a header.
        mem_level: the memory level of zlib, from 1 to 9.
        max_bytes: the largest message that is compressed, in bytes. Compression blocks the server, for 2 ms at the
            default size.
    """

    threshold: int = 1024
    level: int = 6
    window_bits: int = 15
    mem_level: int = 8
    max_bytes: int = 65_536

    def __post_init__(self) -> None:
        _check("per_message_deflate: level", self.level, 1, 9)
        _check("per_message_deflate: window_bits", self.window_bits, 9, 15)
        _check("per_message_deflate: mem_level", self.mem_level, 1, 9)
        _check("per_message_deflate: threshold", self.threshold, 0)
        _check("per_message_deflate: max_bytes", self.max_bytes, 1)

    @classmethod
    def make(cls, option: bool | PerMessageDeflate) -> PerMessageDeflate | None:
        """Convert the value of the option ``per_message_deflate``; returns None if compression is off."""
        return _meant(cls, "per_message_deflate", option)


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpCompression:
    """The compression of responses to polls.

    Attributes:
        threshold: the smallest body that is compressed, in bytes.
        level: the compression level of zlib, from 1 (fast) to 9 (small).
        worker_bytes: larger bodies are compressed in a worker thread, in bytes.
    """

    threshold: int = 1024
    level: int = 6
    worker_bytes: int = 65_536

    def __post_init__(self) -> None:
        _check("http_compression: level", self.level, 1, 9)
        _check("http_compression: threshold", self.threshold, 0)
        _check("http_compression: worker_bytes", self.worker_bytes, 0)

    @classmethod
    def make(cls, option: bool | HttpCompression) -> HttpCompression | None:
        """Convert the value of the option ``http_compression``; returns None if compression is off."""
        return _meant(cls, "http_compression", option)


def _meant(kind: type[T], name: str, option: object) -> T | None:
    """Convert the value of an option. A dict, which Node accepts, is refused and not taken for True."""
    if option is None or isinstance(option, bool):
        return kind() if option else None
    if not isinstance(option, kind):
        raise TypeError(f"{name} must be True, False or {kind.__name__}(...), not {option!r}")
    return option


def _check(name: str, value: int, least: int, most: int | None = None) -> None:
    if not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if value < least or (most is not None and value > most):
        allowed = f"at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} must be {allowed}, not {value!r}")
