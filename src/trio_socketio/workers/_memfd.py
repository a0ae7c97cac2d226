"""Content in a memfd: a file without a name, whose descriptor is sent to another process. It needs Linux.

The other process may be of another version or broken, so a received memfd must be sealed: else its content could change
while it is read.
"""

from __future__ import annotations

import fcntl
import os
import sys

from trio_socketio.workers._packet import BadPacket

__all__ = ["read_memfd", "write_memfd"]

if sys.platform == "linux":
    _SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE

    def write_memfd(content: bytes) -> int:
        """Return the descriptor of a memfd with this content, sealed against changes. The caller closes it.

        Raises:
            OSError: the system lacks descriptors or memory.
        """
        memfd = os.memfd_create("trio-socketio", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            written = 0
            while written < len(content):
                written += os.pwrite(memfd, memoryview(content)[written:], written)
            fcntl.fcntl(memfd, fcntl.F_ADD_SEALS, _SEALS)
        except BaseException:
            os.close(memfd)
            raise
        return memfd

    def _is_sealed(descriptor: int) -> bool:
        try:
            return fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & _SEALS == _SEALS
        except OSError:  # it is no memfd
            return False

else:

    def write_memfd(content: bytes) -> int:
        raise NotImplementedError("a memfd needs Linux")

    def _is_sealed(descriptor: int) -> bool:
        return False


def read_memfd(descriptor: int, max_bytes: int) -> bytes:
    """Return the content of a memfd.

    Args:
        descriptor: the memfd. The caller closes it.
        max_bytes: the largest content that is accepted, in bytes.

    Raises:
        BadPacket: it is no sealed memfd, or is too large.
    """
    if not _is_sealed(descriptor):
        raise BadPacket("no sealed memfd")
    size = os.fstat(descriptor).st_size
    if size > max_bytes:
        raise BadPacket("oversized")
    content = os.pread(descriptor, size, 0)
    if len(content) < size:
        raise BadPacket("short")
    return content
