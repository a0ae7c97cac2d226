"""The standard streams of a program. They may be closed or broken: a server needs none of them."""

from __future__ import annotations

import os
from typing import TextIO

__all__ = ["open_missing_streams", "write"]


def open_missing_streams() -> None:
    """Open the null device in place of closed standard streams. Else sockets would get their descriptors."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest free descriptor, which is this one
            os.set_inheritable(opened, True)


def write(stream: TextIO | None, text: str) -> None:
    """Write a text to a standard stream, if it is open.

    Args:
        stream: the stream; None: it was closed when the program started.
        text: the text.
    """
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        # Python tries to write the rest at its end, and would then fail.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
