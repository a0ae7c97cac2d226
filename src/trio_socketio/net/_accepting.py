"""Accepts connections, in place of ``trio.serve_listeners``.

``trio.serve_listeners`` logs a traceback every 100 ms while there are no descriptors. It also wraps each handler in a
function that closes the stream a second time, which takes a tenth of the time of a new connection.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import trio

from trio_socketio._core import untrack
from trio_socketio.net._log_limit import LogLimit
from trio_socketio.net._turn import Turn

__all__ = ["Acceptor"]

#: The most connections to accept before other tasks run, and the longest time that this may take, in seconds.
CONNECTIONS_BETWEEN_CHECKPOINTS, TURN_SECONDS = 16, 0.0005

#: accept(2) fails with these while the process or the system lacks descriptors or memory.
CAPACITY_ERRORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

#: Seconds to pause after such an error; connections wait in the listener's backlog.
PAUSE = 0.1

#: Seconds between two log lines about such errors.
LOG_INTERVAL = 10.0


def _others(listener: trio.abc.Listener[Any]) -> Iterator[trio.SocketStream]:
    """Accept connections that wait, after ``accept`` has returned one. This saves a pass of the scheduler for each.

    It ends at the first error, which the next ``accept`` handles.
    """
    if not isinstance(listener, trio.SocketListener):
        return
    turn = Turn(CONNECTIONS_BETWEEN_CHECKPOINTS, TURN_SECONDS)
    listening = socket.socket(fileno=listener.socket.fileno())
    listening.setblocking(False)  # with ``socket.setdefaulttimeout``, ``accept`` would wait
    try:
        while not turn.is_over():
            accepted, _ = listening.accept()
            untrack(accepted)  # it refers to nothing
            yield trio.SocketStream(trio.socket.from_stdlib_socket(accepted))
    except OSError:
        pass
    finally:
        listening.detach()


class Acceptor:
    """Accepts the connections of one server.

    Args:
        logger: for the lack of descriptors or memory.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._limit = LogLimit(LOG_INTERVAL, 1)

    async def run(
        self,
        listeners: Sequence[trio.abc.Listener[Any]],
        start: Callable[[Any], None],
        task_status: trio.TaskStatus[list[Any]],
    ) -> None:
        """Accept connections until cancelled, and close the listeners.

        Args:
            listeners: where clients connect.
            start: called with the stream of each connection.
            task_status: carries the listeners.

        Raises:
            OSError: a listener failed for a reason other than ``CAPACITY_ERRORS``; raised in an exception group.
        """
        async with trio.open_nursery() as nursery:
            for listener in listeners:
                nursery.start_soon(self._accept, listener, start, name="listener")
            task_status.started(list(listeners))

    @trio.lowlevel.enable_ki_protection
    async def _accept(self, listener: trio.abc.Listener[Any], start: Callable[[Any], None]) -> None:
        async with listener:
            while True:
                try:
                    stream = await listener.accept()
                except OSError as error:
                    if error.errno not in CAPACITY_ERRORS:
                        raise
                    self._log(error)
                    await trio.sleep(PAUSE)
                else:
                    start(stream)
                    for stream in _others(listener):
                        start(stream)

    def _log(self, error: OSError) -> None:
        if error.errno is not None and self._limit.allows("", trio.current_time()):
            self._logger.error(
                "accepting connections is paused: %s (%s). Raise the limit of open files, or serve fewer clients",
                errno.errorcode[error.errno],
                os.strerror(error.errno),
            )
