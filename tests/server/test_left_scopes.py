"""What a handler leaves behind in its task, such as an open cancel scope, has no effect on other sockets."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar

import pytest
import trio
from support.socket_tasks import open_client, tasks_of_sockets
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server, Socket


@pytest.fixture
def corrupted_scopes(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A handler of the test leaves one cancel scope open, and that is logged."""
    yield
    records = caplog.get_records("call")
    (record,) = [record for record in records if record.levelname == "CRITICAL"]
    assert "Cancel scope stack corrupted" in str(record.exc_text)
    records.remove(record)


def leave_open(io: Server, scope: trio.CancelScope) -> None:
    """An event "leave open", whose handler is wrong, as when it leaves an asynchronous generator half way."""

    @io.on("leave open")
    async def handler(socket: Socket) -> None:
        scope.__enter__()


@pytest.mark.usefixtures("corrupted_scopes")
async def test_task_with_an_open_cancel_scope_is_not_used_again() -> None:
    io = Server()
    leave_open(io, trio.CancelScope(deadline=trio.current_time() + 3600))
    async with io:
        host = open_client(io)
        host.deliver('42["leave open"]', trio.current_time())
        await wait_all_tasks_blocked()
        assert tasks_of_sockets() == []
        host.close()


@pytest.mark.usefixtures("corrupted_scopes")
async def test_next_event_is_handled_after_a_foreign_scope_has_cancelled_the_handler() -> None:
    io = Server()
    scope = trio.CancelScope()
    leave_open(io, scope)
    log: list[str] = []

    @io.on("event")
    async def event(socket: Socket, word: str) -> None:
        log.append(word)
        if word == "wait":
            await trio.sleep_forever()

    async with io:
        wrong, host = open_client(io), open_client(io)
        wrong.deliver('42["leave open"]', trio.current_time())
        await wait_all_tasks_blocked()
        for word in ("wait", "next"):
            host.deliver(f'42["event","{word}"]', trio.current_time())
        await wait_all_tasks_blocked()
        scope.cancel()
        await wait_all_tasks_blocked()
        host.deliver('42["event","last"]', trio.current_time())
        await wait_all_tasks_blocked()
        assert log == ["wait", "next", "last"]
        wrong.close()
        host.close()


@pytest.mark.usefixtures("corrupted_scopes")
async def test_events_are_handled_while_a_task_in_a_cancelled_scope_ends() -> None:
    io = Server()
    log: list[str] = []
    scope = trio.CancelScope()
    leave_open(io, scope)

    @io.on("event")
    async def event(socket: Socket, word: str) -> None:
        log.append(word)

    async with io:
        host = open_client(io)
        host.deliver('42["leave open"]', trio.current_time())
        await wait_all_tasks_blocked()
        assert tasks_of_sockets() == ["events of sockets"]
        scope.cancel()
        host.deliver('42["event","called while it ends"]', trio.current_time())
        await wait_all_tasks_blocked()
        host.deliver('42["event","called when it has ended"]', trio.current_time())
        await wait_all_tasks_blocked()
        assert log == ["called while it ends", "called when it has ended"]
        host.close()


word: ContextVar[str] = ContextVar("word", default="none")


@pytest.mark.parametrize("is_async", [False, True])
async def test_context_variables_do_not_pass_from_one_socket_to_another(is_async: bool) -> None:
    io = Server()
    seen: list[str] = []

    def handle(socket: Socket, new: str) -> None:
        seen.append(word.get())
        word.set(new)

    async def handle_async(socket: Socket, new: str) -> None:
        handle(socket, new)

    io.on("event", handle_async if is_async else handle)
    word.set("the server's")
    async with io:
        word.set("somebody's")
        hosts = [open_client(io) for _ in range(3)]
        for at, host in enumerate(hosts):
            host.deliver(f'42["event","{at}"]', trio.current_time())
        await wait_all_tasks_blocked()
        assert seen == ["the server's" if is_async else "somebody's"] * 3
        for host in hosts:
            host.close()
