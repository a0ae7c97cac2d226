"""The options of a server with workers."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from trio_socketio.engineio import check_seconds, check_whole

__all__ = ["MOST_WORKERS", "WorkersOptions", "split_target"]

#: How many workers there can be. A rolling restart adds some, and the number of an instance is one byte.
MOST_WORKERS = 128


def split_target(target: str) -> tuple[str, str]:
    """Return the module and the attribute of a target, such as ``"app:io"``.

    Raises:
        ValueError: the target has another form.
    """
    module, _, attribute = target.partition(":")
    if not all(name.isidentifier() for name in (*module.split("."), *attribute.split("."))):
        raise ValueError(f"the target must be a module and a server in it, such as 'app:io', not {target!r}")
    return module, attribute


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkersOptions:
    """The options of ``serve_workers``, which describes them. Times are in seconds.

    Raises:
        TypeError: a value has the wrong type.
        ValueError: a value is out of range, or this system cannot run workers.
    """

    target: str
    host: str | None
    port: int
    workers: int
    certificate: str | os.PathLike[str] | None
    key: str | os.PathLike[str] | None
    start_timeout: float
    drain_timeout: float

    def __post_init__(self) -> None:
        if sys.platform != "linux":
            raise ValueError("workers need Linux: use io.run(...), which serves in one process")
        if not isinstance(self.target, str):
            raise TypeError(f"the target must be text such as 'app:io', not {self.target!r}")
        split_target(self.target)
        check_whole("workers", self.workers)
        if self.workers > MOST_WORKERS:
            raise ValueError(f"workers must be at most {MOST_WORKERS}, not {self.workers}")
        check_seconds("start_timeout", self.start_timeout)
        check_seconds("drain_timeout", self.drain_timeout)
        if not isinstance(self.port, int):
            raise TypeError(f"port must be a whole number, not {self.port!r}")
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port must be a number from 0 to 65535, not {self.port}")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("TLS needs both a certificate and a key")
