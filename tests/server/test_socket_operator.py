"""``socket.volatile`` and ``socket.compress(…)`` have every method of a socket that sends."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import trio
from support.links import only, stuck
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Disconnected, Server, Socket
from trio_socketio.server._operators import BroadcastOperator
from trio_socketio.server._socket_operator import SocketOperator

pytestmark = pytest.mark.rows("P37")


def test_operator_has_every_method_that_sends() -> None:
    """All that an operator for many sockets has, but for what needs a choice of sockets; and what a socket has."""
    of_many = {name for name, _ in inspect.getmembers(BroadcastOperator) if not name.startswith("_")}
    needs_choice = {
        "fetch_sockets",
        "sockets_join",
        "sockets_leave",
        "disconnect_sockets",
        "server_side_call",
        "server_side_emit",
    }
    of_one = {name for name, _ in inspect.getmembers(SocketOperator) if not name.startswith("_")}
    assert of_one == of_many - needs_choice | {"broadcast"}
    assert of_one <= {name for name, _ in inspect.getmembers(Socket)}


async def test_except_and_local_choose_among_the_others(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        clients = {name: await net.connect() for name in "abc"}
        a, b, _ = (io.sockets[client.sids["/"]] for client in clients.values())
        b.join("room")
        choices: list[tuple[str, Callable[[SocketOperator], BroadcastOperator]]] = [
            ("c", lambda operator: operator.except_("room")),
            ("c", lambda operator: operator.local.except_(["room"])),
            ("bc", lambda operator: operator.except_()),
            ("bc", lambda operator: operator.local),
            ("b", lambda operator: operator.local.to("room")),
            ("b", lambda operator: operator.to("room")),
            ("bc", lambda operator: operator.broadcast),
        ]
        for operator in (a.volatile, a.compress(False), a.volatile.compress(False)):
            for heard, choose in choices:
                chosen = await choose(operator).fetch_sockets()
                assert {
                    name for name, client in clients.items() if io.sockets[client.sids["/"]] in chosen
                } == {*heard}
                assert choose(operator)._target.volatile == operator._target.volatile
                assert choose(operator)._target.compress == operator._target.compress


async def test_send_emits_message(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        await only(io).volatile.send("one", 2)
        await only(io).compress(False).send()
        assert await client.event() == ["message", "one", 2]
        assert await client.event() == ["message"]


async def test_call_returns_the_acknowledgement(running: Any) -> None:
    io = Server()

    @io.on("ask")
    async def ask(socket: Socket) -> list[Any]:
        operators = (socket.volatile, socket.compress(False), socket.volatile.compress(True))
        return [await operator.call("question", b"\x01") for operator in operators]

    async with running(io) as net:
        client = await net.connect()
        await client.emit("ask", ack=9)
        for number in range(3):
            assert await client.receive() == f'51-{number}["question",{{"_placeholder":true,"num":0}}]'
            assert await client.receive() == b"\x01"
            await client.send(f"3{number}[{number}]")
        assert await client.receive() == "39[[0,1,2]]"


async def test_call_is_sent_although_it_is_volatile(running: Any) -> None:
    """An answer is waited for, so the event is queued like that of any other call."""
    io = Server()
    answers: list[Any] = []
    async with running(io) as net, trio.open_nursery() as nursery:
        client, socket = await stuck(net)

        @nursery.start_soon
        async def call() -> None:
            answers.append(await socket.volatile.call("question"))

        await wait_all_tasks_blocked()
        await socket.volatile.emit("dropped")
        assert (await client.event())[0] == "in flight"
        assert await client.receive() == '20["question"]'
        await client.send('30["answer"]')
        await wait_all_tasks_blocked()
        assert answers == ["answer"]


async def test_methods_raise_once_the_socket_has_ended(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        await net.connect()
        operator = only(io).compress(False)
        only(io).disconnect()
        for attempt in (operator.call, operator.emit, operator.send):
            with pytest.raises(Disconnected):
                await attempt("ev")


class Counted:
    """Calls a function, and counts how often."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.count = 0

    def __call__(self, *args: Any) -> Any:
        self.count += 1
        return self.function(*args)


@pytest.mark.parametrize("args", [(b"\x01",), ([[b"\x01"]],), ("\ud800",), (1,)], ids=repr)
async def test_each_way_of_encoding_is_tried_once(running: Any, args: tuple[Any, ...]) -> None:
    """Binary is not plain, so the quick way of encoding passes it on to the other one."""
    io = Server()
    async with running(io) as net:
        await net.connect()
        socket, namespace = only(io), io.of("/")._namespace
        plain = namespace.encode_plain = Counted(namespace.encode_plain)
        for number, emit in enumerate([socket.emit, socket.volatile.emit, io.emit, io.to(socket.id).emit], 1):
            await emit("ev", *args)
            assert plain.count == number
        for emit_nowait in (socket.emit_nowait, socket.compress(True).emit_nowait, io.emit_nowait):
            plain.count = 0
            emit_nowait("ev", *args)
            assert plain.count == 1
