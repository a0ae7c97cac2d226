"""What a socket costs while nothing happens: no task, few objects, and nothing that is left for the collector."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest
import trio
from support.message_host import MessageHost
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server, Socket
from trio_socketio.handlers._workers import MOST_FREE


def tasks_of_sockets() -> list[str]:
    """The names of all tasks that were started for a socket."""
    nurseries = list(trio.lowlevel.current_root_task().child_nurseries)  # type: ignore[union-attr]
    names = []
    while nurseries:
        for task in nurseries.pop().child_tasks:
            names.append(task.name)
            nurseries += task.child_nurseries
    return sorted(
        name for name in names if name.endswith(("of a socket", "of sockets", "socket in /", "farewell in /"))
    )


async def test_idle_socket_has_no_task(running: Any) -> None:
    io = Server()

    @io.on("connection")
    def connection(socket: Socket) -> None:
        socket.join("room")

    io.on("plain", lambda socket: "answer")
    async with running(io) as net:
        client = await net.connect()
        assert await client.call("plain") == ["answer"]
        assert tasks_of_sockets() == []


async def test_connection_handlers_task_ends_with_them(running: Any) -> None:
    io = Server()

    @io.use
    def middleware(socket: Socket) -> None:
        assert tasks_of_sockets() == ["socket in /"]

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        await trio.lowlevel.checkpoint()

    async with running(io) as net:
        await net.connect()
        await wait_all_tasks_blocked()
        assert tasks_of_sockets() == []


@pytest.mark.parametrize("what", ["async def", "nobody"])
async def test_one_task_handles_the_events_of_all_sockets(running: Any, what: str) -> None:
    io = Server()
    ran: list[trio.lowlevel.Task] = []

    @io.on("async def")
    async def handler(socket: Socket) -> None:
        ran.append(trio.lowlevel.current_task())

    io.on("sync", lambda socket: None)
    async with running(io) as net:
        clients = [await net.connect() for _ in range(3)]
        for client in clients * 2:
            await client.emit(what)
            await client.call("sync")
        assert tasks_of_sockets() == ["events of sockets"]
        assert len(set(ran)) == (what == "async def")
        for client in clients[1:]:
            await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
        assert tasks_of_sockets() == ["events of sockets"]
        await clients[0].ws.stream.aclose()
        await wait_all_tasks_blocked()
        assert tasks_of_sockets() == []  # nobody is left who could have events


async def test_handler_that_waits_keeps_its_task_and_others_go_on(running: Any) -> None:
    io = Server()
    door = trio.Event()
    log: list[tuple[str, trio.lowlevel.Task]] = []

    @io.on("wait")
    async def wait(socket: Socket) -> None:
        log.append(("waits", trio.lowlevel.current_task()))
        await door.wait()
        log.append(("waited", trio.lowlevel.current_task()))

    @io.on("pass")
    async def pass_(socket: Socket, word: str) -> None:
        log.append((word, trio.lowlevel.current_task()))

    async with running(io) as net:
        one, other = await net.connect(), await net.connect()
        await one.emit("wait")
        await one.emit("pass", "behind it")
        await other.emit("pass", "meanwhile")
        await wait_all_tasks_blocked()
        assert tasks_of_sockets() == ["events of sockets"] * 2
        door.set()
        await wait_all_tasks_blocked()
    assert [what for what, _ in log] == ["waits", "meanwhile", "waited", "behind it"]
    tasks = dict(log)
    assert tasks["waits"] is tasks["waited"] is tasks["behind it"] is not tasks["meanwhile"]


async def test_events_that_come_together_go_on_behind_one_that_waits() -> None:
    """One pass of the reactor brings many sockets something; the first that waits must not stop the rest."""
    io = Server()
    door = trio.Event()
    log: list[str] = []

    @io.on("event")
    async def handler(socket: Socket, wait: bool) -> None:
        if wait:
            await door.wait()
        log.append("waited" if wait else "passed")

    async with io:
        hosts = [open_client(io) for _ in range(6)]
        for host, wait in zip(hosts, [True, False] * 3, strict=True):
            host.deliver(f'42["event",{str(wait).lower()}]', trio.current_time())
        await wait_all_tasks_blocked()
        assert log == ["passed"] * 3
        door.set()
        await wait_all_tasks_blocked()
        assert log == ["passed"] * 3 + ["waited"] * 3
        assert tasks_of_sockets() == ["events of sockets"] * 4
        for host in hosts:
            host.close()


async def test_socket_that_ends_cancels_the_task_that_is_with_it_and_no_other() -> None:
    io = Server()
    log: list[str] = []

    @io.on("wait")
    async def wait(socket: Socket, name: str) -> None:
        try:
            await trio.sleep_forever()
        finally:
            log.append(f"{name} is cancelled")

    io.on("pass", lambda socket: log.append("passed"))
    async with io:
        hosts = [open_client(io) for _ in range(2)]
        for name, host in enumerate(hosts):
            host.deliver(f'42["wait","{name}"]', trio.current_time())
        await wait_all_tasks_blocked()
        hosts[0].close()
        await wait_all_tasks_blocked()
        assert log == ["0 is cancelled"]
        assert tasks_of_sockets() == ["events of sockets"]
        third = open_client(io)
        third.deliver('42["wait","2"]', trio.current_time())
        await wait_all_tasks_blocked()
        assert log == ["0 is cancelled"]
        hosts[1].close()
        third.close()
        await wait_all_tasks_blocked()
        assert sorted(log) == ["0 is cancelled", "1 is cancelled", "2 is cancelled"]
        assert tasks_of_sockets() == []


async def test_socket_that_ends_while_its_event_waits_says_farewell_once() -> None:
    io = Server()
    log: list[str] = []

    @io.on("event")
    async def event(socket: Socket) -> None:
        log.append("event")

    @io.on("disconnecting")
    async def disconnecting(socket: Socket) -> None:
        log.append("disconnecting")
        await trio.lowlevel.checkpoint()

    @io.on("disconnect")
    async def disconnect(socket: Socket) -> None:
        log.append("disconnect")

    async with io:
        host = open_client(io)
        host.deliver('42["event"]', trio.current_time())
        host.deliver("41", trio.current_time())
        await wait_all_tasks_blocked()
        assert log == ["disconnecting", "disconnect"]
        host.close()


async def test_not_more_tasks_than_so_many_stay_when_all_have_waited() -> None:
    io = Server()
    door = trio.Event()
    passed = 0

    @io.on("wait")
    async def wait(socket: Socket) -> None:
        nonlocal passed
        await door.wait()
        passed += 1

    async with io:
        hosts = [open_client(io) for _ in range(2 * MOST_FREE)]
        for _ in range(2):
            for host in hosts:
                host.deliver('42["wait"]', trio.current_time())
        await wait_all_tasks_blocked()
        assert len(tasks_of_sockets()) == len(hosts)
        door.set()
        await wait_all_tasks_blocked()
        assert passed == 2 * len(hosts)
        assert len(tasks_of_sockets()) == MOST_FREE
        for host in hosts:
            host.close()
        await wait_all_tasks_blocked()
        assert tasks_of_sockets() == []


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
async def test_time_limit_that_a_handler_leaves_behind_is_no_other_sockets() -> None:
    io = Server()
    leave_open(io, trio.CancelScope(deadline=trio.current_time() + 3600))
    async with io:
        host = open_client(io)
        host.deliver('42["leave open"]', trio.current_time())
        await wait_all_tasks_blocked()
        assert tasks_of_sockets() == []
        host.close()


@pytest.mark.usefixtures("corrupted_scopes")
async def test_socket_whose_handler_was_cancelled_by_another_ones_scope_goes_on() -> None:
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
async def test_task_that_a_handler_has_left_in_a_cancelled_scope_is_not_waited_for() -> None:
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


async def test_without_disconnect_handlers_a_socket_ends_at_once(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        for _ in range(3):
            await net.connect()
        for socket in io.sockets.values():  # they vanish while they are gone through
            socket.disconnect()
            assert socket.id not in io.sockets
        assert io.sockets == {}
        assert tasks_of_sockets() == []


async def test_disconnect_handlers_of_an_idle_socket_run_in_a_task(running: Any) -> None:
    io = Server()
    log: list[Any] = []

    @io.on("disconnect")
    async def gone(socket: Socket) -> None:
        log.append(tasks_of_sockets())

    async with running(io) as net:
        client = await net.connect()
        (socket,) = io.sockets.values()
        socket.disconnect()
        assert socket.id in io.sockets
        await wait_all_tasks_blocked()
        assert io.sockets == {}
        assert await client.receive() == "1"
    assert log == [["disconnect handlers of a socket"]]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_idle_sockets_hear_of_the_end_when_a_task_stops_the_program(interrupt: type[BaseException]) -> None:
    io = Server()
    log: list[str] = []

    @io.on("stop")
    async def stop(socket: Socket) -> None:
        raise interrupt

    @io.on("disconnect")
    async def gone(socket: Socket, reason: str) -> None:
        await trio.lowlevel.checkpoint()
        log.append(reason)

    async def main() -> None:
        async with io:
            hosts = [open_client(io) for _ in range(3)]
            hosts[0].deliver('42["stop"]', trio.current_time())
            await trio.sleep_forever()

    with pytest.raises(interrupt):
        trio.run(main)
    assert log == ["server shutting down"] * 3


# objects


def open_client(io: Server) -> MessageHost:
    """A client that has joined the main namespace, whose host costs as much with every server."""
    host = MessageHost.open(
        io._require_runtime().engine, "/socket.io/?EIO=4&transport=websocket", trio.current_time()
    )
    host.deliver("40", trio.current_time())
    host.sent.clear()
    return host


async def test_idle_client_is_a_handful_of_objects() -> None:
    """Of what the collector has to look at; the session below and its WebSocket come on top."""
    io = Server()
    io.on("connection", lambda socket: None)
    io.on("ev", lambda socket: None)
    async with io:
        hosts = [open_client(io) for _ in range(10)]
        gc.collect()
        before = {id(each) for each in gc.get_objects()}
        hosts += [open_client(io) for _ in range(100)]
        gc.collect()
        new = [each for each in gc.get_objects() if id(each) not in before]
        ours = [each for each in new if type(each).__module__.startswith(("trio_socketio.s", "builtins"))]
        assert len(io.sockets) == 110
        assert len(ours) < 100 * 12  # and of those, four or five are the session's


@pytest.mark.parametrize("event", ["nothing", "use", "wait", "wait after another"])
async def test_client_that_has_gone_leaves_nothing_to_the_collector(event: str) -> None:
    io = Server()

    @io.on("wait")
    async def wait(socket: Socket) -> None:
        await trio.sleep_forever()

    @io.on("wait after another")
    def plain(socket: Socket) -> None:
        pass

    @io.on("wait after another")
    async def second(socket: Socket) -> None:
        await trio.sleep_forever()

    @io.on("use")
    async def use(socket: Socket) -> None:
        socket.on("own", lambda: socket)
        socket.nursery.start_soon(trio.sleep_forever)
        socket.conn.on("upgrade", lambda: socket)  # type: ignore[arg-type]
        socket.data["itself"] = socket.handshake

    async with io:
        host = open_client(io)
        (socket,) = io.sockets.values()
        gone = weakref.ref(socket)
        if event != "nothing":
            host.deliver(f'42["{event}"]', trio.current_time())
            await wait_all_tasks_blocked()
        del socket
        gc.collect()
        gc.disable()
        try:
            host.drop()
            await wait_all_tasks_blocked()
            assert gone() is None
        finally:
            gc.enable()
