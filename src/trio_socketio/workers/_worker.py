"""The program of a worker process: it serves the application's server on the sockets that the parent sends."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

import trio

from trio_socketio.serving import show_log
from trio_socketio.workers._lifeline import end_with_parent
from trio_socketio.workers._packet import BadPacket
from trio_socketio.workers._pair import Pair, PairClosed
from trio_socketio.workers._prepare import Prepared, prepare
from trio_socketio.workers._protocol import (
    CONTROL_BYTES,
    VERSION,
    Control,
    Drain,
    Failed,
    Join,
    Leaving,
    Left,
    Listen,
    Loaded,
    Message,
    Serving,
    Start,
    Unlisten,
)
from trio_socketio.workers._reserve import Reserve
from trio_socketio.workers._target import TargetError

__all__ = ["main"]

LOG = logging.getLogger("trio_socketio.workers")

#: How long a worker drains if SIGTERM was sent to it twice, in seconds.
DRAIN_TIMEOUT = 30.0

#: How long a replaced worker waits for the first requests of the connections that it has accepted last, in seconds. It
#: hands them over, or serves them if it cannot do that.
LAST_REQUESTS = 0.5

_PACKAGE = str(Path(__file__).parent)

#: How much of the text of an exception and of its traceback is sent to the parent, in characters.
MOST_REASON, MOST_TRACEBACK = 1000, 20_000


def main(descriptor: int) -> int:
    """Serve until the parent says otherwise, or ends.

    Args:
        descriptor: the worker's end of the pair with its parent.

    Returns:
        The status of the process.

    Raises:
        OSError: the descriptor is no such end.
    """
    control = Control(Pair.adopt(descriptor, CONTROL_BYTES), Reserve())
    end_with_parent(descriptor)
    signal.signal(signal.SIGHUP, _ignore)
    try:
        return _obey_parent(control)
    except PairClosed:
        return 1
    finally:
        control.end()  # a thread of the application may keep this process


def _obey_parent(control: Control) -> int:
    """Serve as the parent says; returns the status of the process."""
    start, _ = trio.run(control.receive)
    failure = _serve(control, start)
    if failure is None:
        return 0
    trio.run(control.send, failure)
    return 1


def _ignore(*_: object) -> None:
    """Ignore SIGHUP, which is for the parent, and often sent to all processes of a program."""


def _serve(control: Control, start: Message) -> Failed | None:
    """Load the server and serve it. Return why this is not possible, or None after the end."""
    if not isinstance(start, Start) or start.version != VERSION:
        return Failed("the workers are of another version than their parent: restart the whole program")
    show_log(f"worker {start.slot} (pid {os.getpid()})")
    sys.path[:] = map(os.fsdecode, start.import_path)
    try:
        prepared = prepare(start)
    except TargetError as error:
        return Failed(_portable(f"cannot serve {start.target}: {error}"))
    except Exception as error:
        return Failed(_portable(f"cannot serve {start.target}: {_describe(error)}"), _traceback(error))
    trio.run(Worker(control, start, prepared).run)
    return None


def _describe(error: Exception) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:MOST_REASON]
    except Exception:  # of the application's ``__str__``
        return type(error).__name__


def _portable(text: str) -> str:
    """Return a text without lone surrogates, which names of files may have, and JSON has not."""
    return text.encode(errors="backslashreplace").decode()


def _traceback(error: Exception) -> str:
    """Return the traceback of an exception of the application, from its first frame on."""
    frames = error.__traceback__
    while frames is not None and not _is_foreign(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    return _portable("".join(traceback.format_exception(type(error), error, frames))[-MOST_TRACEBACK:])


def _is_foreign(file: str) -> bool:
    return not file.startswith((_PACKAGE, "<frozen importlib")) and file != importlib.__file__


class Worker:
    """A worker that serves.

    Args:
        control: the pair with the parent.
        start: the parent's first message.
        prepared: the server, and what connects it to other workers.
    """

    _nursery: trio.Nursery

    def __init__(self, control: Control, start: Start, prepared: Prepared) -> None:
        self._control = control
        self._start = start
        self._prepared = prepared
        self._server = prepared.server
        self._accepting: dict[int, list[trio.CancelScope]] = {}
        self._missing = start.sockets
        self._is_leaving = self._is_draining = False

    async def run(self) -> None:
        """Serve until the parent says otherwise, or ends, or until a second SIGTERM."""
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async with self._prepared.running(), trio.open_nursery() as self._nursery:
                self._nursery.start_soon(self._leave_on_signal, signals)
                await self._obey()
                self._nursery.cancel_scope.cancel()

    async def _leave_on_signal(self, signals: Any) -> None:
        """Ask the parent for a successor. At a second signal, or if the parent does not read, drain without one."""
        async for _ in signals:
            if self._is_leaving or not self._ask_for_successor():
                self._drain_for(DRAIN_TIMEOUT)
            self._is_leaving = True

    def _ask_for_successor(self) -> bool:
        try:
            return self._control.send_nowait(Leaving())
        except OSError:  # the parent has ended
            return False

    # messages of the parent

    async def _obey(self) -> None:
        """Do what the parent says, until it ends."""
        try:
            await self._control.send(Loaded())
            while True:
                try:
                    message, descriptor = await self._control.receive()
                except BadPacket as error:
                    LOG.warning("the parent sent a message that is no message (%s)", error.kind)
                else:
                    await self._take(message, descriptor)
        except PairClosed:
            LOG.warning("the parent process has ended, so the worker stops")

    async def _take(self, message: Message, descriptor: int | None) -> None:
        match message:
            case Listen(slot):
                assert descriptor is not None
                await self._listen(slot, descriptor)
            case Unlisten(slot):
                for scope in self._accepting.pop(slot, ()):
                    scope.cancel()
            case Join(instance):
                assert descriptor is not None
                self._prepared.join(instance, descriptor)
            case Left(instance):
                self._prepared.leave(instance)
            case Drain(timeout):
                self._drain_for(timeout)
            case _:
                LOG.warning("the parent sent a message that is not for workers: %r", message)

    # accepting connections

    async def _listen(self, slot: int, descriptor: int) -> None:
        listener = self._prepared.listener(socket.socket(fileno=descriptor))
        await self._nursery.start(self._accept, slot, listener)
        if slot == self._start.slot and self._missing:
            self._missing -= 1
            if not self._missing:
                await self._control.send(Serving(VERSION, self._server.config.disconnect_timeout))

    async def _accept(
        self, slot: int, listener: trio.abc.Listener[Any], task_status: trio.TaskStatus[Any]
    ) -> None:
        with trio.CancelScope() as scope:
            self._accepting.setdefault(slot, []).append(scope)
            await self._server.serve_listeners([listener], task_status=task_status)

    # stopping

    def _drain_for(self, timeout: float) -> None:
        if timeout <= 0:
            self._nursery.cancel_scope.cancel()
        elif not self._is_draining:
            self._is_draining = True
            self._nursery.start_soon(self._drain, timeout)

    async def _drain(self, timeout: float) -> None:
        is_replaced = not self._accepting  # another worker serves the sockets
        hands_over = self._prepared.hands_over
        if is_replaced and not hands_over:  # serve what was accepted last before new sessions are refused
            await trio.sleep(LAST_REQUESTS)
        await self._server.drain(timeout)
        if is_replaced and hands_over:
            await trio.sleep(LAST_REQUESTS)
        self._nursery.cancel_scope.cancel()
