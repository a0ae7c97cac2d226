"""Counts the open descriptors of this process."""

from __future__ import annotations

import gc
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["no_descriptor_left", "no_leak", "open_descriptors"]


def open_descriptors() -> set[tuple[int, int, int]]:
    """Return the number of each open descriptor, with the device and the inode of the file that it refers to.

    Garbage is collected first. Otherwise sockets that earlier tests have left could be closed between two calls.
    """
    gc.collect()
    found = set()
    for number in map(int, os.listdir("/dev/fd")):
        with suppress(OSError):  # the descriptor of the listing itself is closed by now
            status = os.fstat(number)
            found.add((number, status.st_dev, status.st_ino))
    return found


@contextmanager
def no_leak() -> Iterator[None]:
    """Fail if the block leaves descriptors open that it has opened."""
    before = open_descriptors()
    yield
    assert open_descriptors() <= before


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Let this process open no further descriptor."""
    gc.collect()  # closes sockets now that would be closed in the block
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
