"""Answers polls that have packets to deliver, in one task for all connections."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

import trio

from trio_socketio._signal import Signal

__all__ = ["Poll", "Polls"]

#: Polls answered in a row before other tasks run. Compressing one answer takes at most 2 ms.
POLLS_BETWEEN_CHECKPOINTS = 8


class Poll(Protocol):
    """A connection on which a poll waits."""

    def answer_poll(self) -> None:
        """Answer the poll, if it still waits."""

    def give_up(self) -> None:
        """End the connection."""


class Polls:
    """Answers polls in a task of its own.

    Packets that are queued in one turn are sent together, and the task of the connection need not wake up.

    Args:
        logger: for internal errors.
        interrupted: called with a ``KeyboardInterrupt`` or ``SystemExit`` that a listener of the application raises.
    """

    def __init__(self, logger: logging.Logger, interrupted: Callable[[BaseException], None]) -> None:
        self._logger = logger
        self._interrupted = interrupted
        self._ready: list[Poll] = []
        self._work = Signal()

    def add(self, poll: Poll) -> None:
        """Answer this poll in the next turn, if it still waits then."""
        if not self._ready:
            self._work.set()
        self._ready.append(poll)

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Answer polls until cancelled."""
        while True:
            await self._work.wait()
            ready, self._ready = self._ready, []
            for number, poll in enumerate(ready, 1):
                try:
                    poll.answer_poll()
                except Exception:  # a bug here must end only one connection
                    self._logger.critical(
                        "internal error in the answer to a poll: its connection is closed", exc_info=True
                    )
                    poll.give_up()
                except (KeyboardInterrupt, SystemExit) as error:
                    poll.give_up()
                    self._interrupted(error)
                if number % POLLS_BETWEEN_CHECKPOINTS == 0:
                    await trio.lowlevel.cancel_shielded_checkpoint()
