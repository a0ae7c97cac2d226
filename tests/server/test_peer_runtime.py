"""What the sockets of a running server share: counted acknowledgements, limits of messages, hooks for errors."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Outbox, Server, Socket


@pytest.mark.rows("F7")
async def test_ack_after_the_disconnect_is_dropped_and_counted(running: Any) -> None:
    io = Server()
    finished = trio.Event()

    @io.on("ask")
    async def ask(socket: Socket) -> str:
        with trio.CancelScope(shield=True):
            socket.disconnect()
            await trio.lowlevel.checkpoint()
        finished.set()
        return "late"

    async with running(io) as net:
        client = await net.connect()
        await client.emit("ask", ack=0)
        assert await client.receive() == "1"
        await finished.wait()
        await wait_all_tasks_blocked()
        assert io._require_runtime().acks_dropped == 1


@pytest.mark.parametrize(
    ("policy", "factor"),
    [("disconnect", 1), ("block", 1), ("drop_oldest", 2), ("drop_newest", 2), ("latest_per_event", 2)],
)
async def test_policies_that_drop_let_protected_messages_fill_the_outbox_twice(
    policy: Any, factor: int
) -> None:
    io = Server(outbox=Outbox(policy=policy))
    async with io:
        assert io._require_runtime().protected_factor == factor


async def test_failing_error_hook_is_logged_and_the_next_one_is_called(
    running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server()
    told: list[tuple[bool, str | float, str]] = []

    @io.on("boom")
    def boom(socket: Socket) -> None:
        raise ValueError("mine")

    @io.on_error
    def broken(socket: Socket, event: str | float, error: Exception) -> None:
        raise LookupError("in the hook")

    @io.on_error
    def note(socket: Socket, event: str | float, error: Exception) -> None:
        told.append((isinstance(socket, Socket), event, str(error)))

    async with running(io) as net:
        client = await net.connect()
        await client.emit("boom")
        await wait_all_tasks_blocked()
    assert told == [(True, "boom", "mine")]
    assert "an on_error hook failed" in caplog.text and "in the hook" in caplog.text
