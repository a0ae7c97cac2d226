"""Counts the open descriptors of this process."""

from __future__ import annotations

import gc
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["no_descriptor_left", "no_leak", "open_descriptors"]


def open_descriptors() -> set[str]:
    """Return what each open descriptor refers to, with its number.

    Garbage is collected first. Otherwise sockets that earlier tests have left could be closed between two calls.
    """
    gc.collect()
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
        except FileNotFoundError:  # the listing's own descriptor
            pass
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
