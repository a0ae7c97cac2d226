"""Standard streams that are closed or broken."""

from __future__ import annotations

import os

from trio_socketio.serving import write


def test_stream_without_a_reader_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as stream:
        write(stream, "unread\n")
        write(stream, "again\n")


def test_closed_stream_is_no_error() -> None:
    write(None, "unread")
