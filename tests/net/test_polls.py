"""Answering waiting polls in one task."""

from __future__ import annotations

import logging

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_socketio.net._polls import POLLS_BETWEEN_CHECKPOINTS, Polls


class Poll:
    """A poll that adds its name to a log when it is answered."""

    def __init__(self, log: list[str], name: str, error: BaseException | None = None) -> None:
        self._log = log
        self._name = name
        self._error = error

    def answer_poll(self) -> None:
        if self._error is not None:
            raise self._error
        self._log.append(self._name)

    def give_up(self) -> None:
        self._log.append(f"{self._name} closed")


@pytest.fixture
def interrupts() -> list[BaseException]:
    """The exceptions that were raised to stop the program."""
    return []


@pytest.fixture
async def polls(nursery: trio.Nursery, interrupts: list[BaseException]) -> Polls:
    polls = Polls(logging.getLogger("test.polls"), interrupts.append)
    nursery.start_soon(polls.run)
    return polls


async def test_polls_are_answered_in_their_order_and_not_at_once(polls: Polls) -> None:
    log: list[str] = []
    for name in "abc":
        polls.add(Poll(log, name))
    assert log == []
    await wait_all_tasks_blocked()
    assert log == ["a", "b", "c"]
    polls.add(Poll(log, "d"))
    await wait_all_tasks_blocked()
    assert log == ["a", "b", "c", "d"]


async def test_interrupt_closes_its_own_connection_and_is_reported(
    polls: Polls, interrupts: list[BaseException]
) -> None:
    log: list[str] = []
    error = SystemExit(3)
    polls.add(Poll(log, "bad", error))
    polls.add(Poll(log, "good"))
    await wait_all_tasks_blocked()
    assert log == ["bad closed", "good"]
    assert interrupts == [error]


async def test_internal_error_closes_only_its_own_connection(
    polls: Polls, caplog: pytest.LogCaptureFixture
) -> None:
    log: list[str] = []
    polls.add(Poll(log, "bad", ValueError("a mistake of ours")))
    polls.add(Poll(log, "good"))
    await wait_all_tasks_blocked()
    assert log == ["bad closed", "good"]
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    caplog.clear()


async def test_other_tasks_run_between_many_polls(polls: Polls, nursery: trio.Nursery) -> None:
    log: list[str] = []
    for number in range(4 * POLLS_BETWEEN_CHECKPOINTS):
        polls.add(Poll(log, str(number)))
    answered: list[int] = []

    async def watch() -> None:
        while len(log) < 4 * POLLS_BETWEEN_CHECKPOINTS:
            await trio.lowlevel.checkpoint()
            answered.append(len(log))

    nursery.start_soon(watch)
    await wait_all_tasks_blocked()
    assert len(answered) >= 3
