"""Pass calls to a running server from outside Trio tasks: from other threads, and from callbacks on its thread."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import get_ident
from typing import Any, NamedTuple

import trio
from trio.lowlevel import in_trio_task

from trio_socketio._passing import PASSING
from trio_socketio.errors import Disconnected
from trio_socketio.handlers import INTERRUPTS

__all__ = ["Inlet"]

#: How many calls may wait. They only wait while the server's thread is busy.
MAX_CALLS = 4096

#: How many calls are made in a row before other tasks run.
CALLS_BETWEEN_CHECKPOINTS = 32

STOPPED = "the server has stopped"


class _Call(NamedTuple):
    """A waiting call, and the future for its result; None if the caller does not wait for it."""

    done: Future[None] | None
    function: Callable[..., Any]
    args: tuple[Any, ...]


class Inlet:
    """Passes calls to the thread of a running server, which makes them in their order.

    ``run`` and ``run_soon`` are thread-safe, and safe in signal handlers. Create the object, and call ``close``, in the
    server's thread.

    Args:
        spawn: starts a task that the server's stop waits for.
        interrupted: called with a ``KeyboardInterrupt`` or ``SystemExit`` that a call raises. Raised here, it would end
            Trio as an internal error of Trio.
        log: the logger for errors of ``run_soon``.
    """

    def __init__(
        self,
        spawn: Callable[..., None],
        interrupted: Callable[[BaseException], None],
        log: logging.Logger,
    ) -> None:
        self._spawn = spawn
        self._interrupted = interrupted
        self._log = log
        self._token = trio.lowlevel.current_trio_token()
        self._thread = get_ident()
        self._calls: deque[_Call] = deque()
        self._is_open = True

    def run(self, name: str, function: Callable[..., Awaitable[None]], *args: Any) -> None:
        """Await an async function in a task of the server, and block this thread until it has returned.

        Raises:
            RuntimeError: this is the server's own thread; the server has stopped, or stops meanwhile; or ``MAX_CALLS``
                calls wait already.
            Exception: the function has raised it.
        """
        if get_ident() == self._thread:
            raise RuntimeError(
                f"from_thread.{name} must not block the server's own thread: "
                f"call {name} in a Trio task, or from_thread.{name}_soon outside one"
            )
        done: Future[None] = Future()
        self._put(_Call(done, function, args))
        done.result()

    def run_soon(self, function: Callable[..., None], *args: Any) -> None:
        """Schedule a call of a plain function in a Trio task. Its errors are logged.

        Raises:
            RuntimeError: the server has stopped, or ``MAX_CALLS`` calls wait already.
        """
        self._put(_Call(None, function, args))

    def finalize(self, function: Callable[..., None], *args: Any) -> None:
        """Call a function now if this is a Trio task, else schedule it. Finalizers may run in any thread."""
        if in_trio_task():
            function(*args)
        else:
            with suppress(RuntimeError):  # the server has stopped, and all its sockets have ended
                self._put_at_once(_Call(None, function, args))

    def _put(self, call: _Call) -> None:
        if self._is_open and len(self._calls) >= MAX_CALLS:
            raise RuntimeError(f"{MAX_CALLS} calls wait for the server's thread, and no more may wait")
        self._put_at_once(call)

    def _put_at_once(self, call: _Call) -> None:
        """Queue a call, whatever the limit. Each iterator is finalized once, so these calls are bounded, too."""
        if not self._is_open:
            raise RuntimeError(STOPPED)
        self._calls.append(call)
        # Trio makes the call before its run ends, or raises RunFinishedError, which is a RuntimeError.
        self._token.run_sync_soon(self._make_calls, idempotent=True)

    def close(self) -> None:
        """Let all waiting calls fail, and refuse later ones, because the server stops."""
        self._is_open = False
        self._make_calls()

    def _make_calls(self) -> None:
        count = len(self._calls)
        if self._is_open and count > CALLS_BETWEEN_CHECKPOINTS:
            count = CALLS_BETWEEN_CHECKPOINTS
            self._token.run_sync_soon(self._make_calls, idempotent=True)
        for _ in range(count):
            call = self._calls.popleft()
            try:
                self._make(call)
            except INTERRUPTS as error:
                self._interrupted(error)
            except BaseException as error:
                if call.done is not None:
                    call.done.set_exception(error)
                else:
                    self._log.error("a call made outside a Trio task failed", exc_info=error)

    def _make(self, call: _Call) -> None:
        if not self._is_open:
            raise RuntimeError(STOPPED)
        if call.done is None:
            call.function(*call.args)
        else:
            self._spawn(self._wait_for, call.done, call.function, call.args, name="emit from a thread")

    async def _wait_for(
        self, done: Future[None], function: Callable[..., Awaitable[None]], args: tuple[Any, ...]
    ) -> None:
        try:
            await function(*args)
        except PASSING:  # cancelled, because the grace of the stop has ended
            done.set_exception(RuntimeError(STOPPED))
            raise
        except BaseException as error:
            has_stopped = isinstance(error, Disconnected) and not self._is_open
            done.set_exception(RuntimeError(STOPPED) if has_stopped else error)
        else:
            done.set_result(None)
