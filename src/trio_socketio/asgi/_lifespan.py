"""Tells an application when the server starts and stops (the ASGI specification, "Lifespan Protocol", version 2.0)."""

from __future__ import annotations

import logging
from typing import Any

import trio

from trio_socketio._asgi_types import ASGIApplication, Message
from trio_socketio._passing import PASSING, passes
from trio_socketio.asgi._application import name_of, run_application
from trio_socketio.asgi._scope import versions

__all__ = ["Lifespan"]


class Lifespan:
    """The lifespan of one application, in a task of its own.

    Args:
        application: the application.
        startup_timeout: how long its start may take, in seconds.
        timeout: how long its shutdown may take, in seconds.
        log: the logger for its failures.

    Attributes:
        state: what the application sets in its scope, for the scopes of requests.
    """

    def __init__(
        self, application: ASGIApplication, startup_timeout: float, timeout: float, log: logging.Logger
    ) -> None:
        self.state: dict[str, Any] = {}
        self._application = application
        self._name = name_of(application)
        self._startup_timeout = startup_timeout
        self._timeout = timeout
        self._log = log
        self._scope = trio.CancelScope(shield=True)
        self._answered = trio.Event()
        self._stopping = trio.Event()
        self._stopped = trio.Event()
        self._ended = trio.Event()
        self._is_started = False
        self._is_begun = False
        self._failure: str | None = None
        self._error: BaseException | None = None

    async def start(self, nursery: trio.Nursery) -> None:
        """Start the application, in a task of ``nursery``, and wait until it has started.

        An application that raises an exception or returns before it answers has no lifespan. This is no error.

        Raises:
            RuntimeError: the application has refused to start, or has not started in time; the cause is its exception,
                if it raises one.

        Cancellation: call ``stop`` afterwards.
        """
        nursery.start_soon(self._run, name=f"{self._name}: lifespan")
        with trio.move_on_after(self._startup_timeout):
            await self._answered.wait()
        if not self._answered.is_set():
            raise RuntimeError(
                f"the application {self._name} did not start within asgi_startup_timeout={self._startup_timeout:g} s"
            )
        if self._failure is not None:
            with trio.move_on_after(self._timeout):  # its exception comes after the message
                await self._ended.wait()
            raise RuntimeError(
                f"the application {self._name} failed to start: {self._failure}"
            ) from self._error
        if not self._is_started:
            self._log.info("the application %s has no lifespan%s", self._name, _text_of(self._error))

    async def stop(self) -> None:
        """Tell the application to shut down, and wait for it, at most for the timeout, also when cancelled."""
        self._stopping.set()
        if self._is_started and not self._ended.is_set():
            with trio.move_on_after(self._timeout, shield=True):
                await self._stopped.wait()
            if not self._stopped.is_set():
                self._log.warning(
                    "the application %s did not shut down within %g s", self._name, self._timeout
                )
        self._scope.cancel()

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": versions("2.0"), "state": self.state}
        try:
            with self._scope:
                await run_application(self._application, scope, self._receive, self._send)
        except PASSING:
            raise
        except BaseException as error:
            if passes(error):
                raise
            self._error = error
            if self._is_started:
                self._log.error("the application %s failed in its lifespan", self._name, exc_info=error)
        finally:
            self._ended.set()
            self._answered.set()
            self._stopped.set()

    async def _receive(self) -> Message:
        await trio.lowlevel.checkpoint()
        if not self._is_begun:
            self._is_begun = True
            return {"type": "lifespan.startup"}
        await self._stopping.wait()
        if self._stopped.is_set():
            await trio.sleep_forever()
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        await trio.lowlevel.checkpoint()
        kind = message["type"]
        if kind == "lifespan.startup.complete" and not self._answered.is_set():
            self._is_started = True
            self._answered.set()
        elif kind == "lifespan.startup.failed" and not self._answered.is_set():
            self._failure = message.get("message", "")
            self._answered.set()
        elif kind == "lifespan.shutdown.complete" and self._stopping.is_set():
            self._stopped.set()
        elif kind == "lifespan.shutdown.failed" and self._stopping.is_set():
            self._log.error(
                "the application %s failed to shut down: %s", self._name, message.get("message", "")
            )
            self._stopped.set()
        else:
            raise RuntimeError(f"unexpected message {kind!r} in the lifespan")


def _text_of(error: BaseException | None) -> str:
    return "" if error is None else f" ({type(error).__name__}: {error})"
