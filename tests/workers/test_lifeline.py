"""A worker ends with its parent, also when the application blocks its event loop."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest
import trio
from support.worker_programs import needs_linux

pytestmark = [needs_linux, pytest.mark.programs]

BLOCKED = """
import os, sys, threading
from trio_socketio.workers._lifeline import end_with_parent
end_with_parent(int(sys.argv[1]), 0.05)
os.write(1, b"begun\\n")  # in one piece
threading.Event().wait()
"""


async def test_process_that_is_blocked_ends_after_its_parent() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with trio.fail_after(60):
        process = await trio.lowlevel.open_process(
            [sys.executable, "-c", BLOCKED, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdout=subprocess.PIPE,
        )
        theirs.close()
        assert process.stdout is not None
        async with process.stdout:
            assert await process.stdout.receive_some() == b"begun\n"
            assert process.returncode is None
            ours.close()
            assert await process.wait() == 1
