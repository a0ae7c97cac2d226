"""Real clients connect: handshake, refusals, namespaces, transports, many at once."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from clients.combinations import Combination
from clients.harness import JsClient, Node
from clients.server import Mailbox, connections, disconnections, echoes, make_server, serving
from trio_socketio import ConnectRefused, Socket

pytestmark = pytest.mark.clients

CROWD = 200


def unknown_to(client: JsClient) -> list[Any]:
    """What a client is told of a namespace that does not exist: the same object in both protocols."""
    return client.told(
        "Invalid namespace", None if client.combination.protocol == 5 else {"message": "Invalid namespace"}
    )


@pytest.mark.rows("E2", "E20", "E21", "E22", "E24", "L2")
@pytest.mark.needs("auth")
async def test_auth_and_query_reach_the_handshake(client: JsClient) -> None:
    io = make_server()
    sockets = connections(io)
    auth = {"token": "abc", "名字": ["小明", 1, None], "emoji": "🦆"}
    async with serving(io) as url:
        await client.connect(url, auth=auth, query={"room": "大厅 & more", "n": 5})
        socket = await sockets.get()
        assert socket.handshake.auth == auth
        query = socket.handshake.query
        assert (query["room"], query["n"]) == ("大厅 & more", "5")
        assert (query["EIO"], query["transport"]) == ("4", client.combination.transports[0])
        state = await client.state()
        assert (state["connected"], state["id"]) == (True, socket.id)


@pytest.mark.rows("E21")
async def test_without_auth_it_is_empty(client: JsClient) -> None:
    io = make_server()
    sockets = connections(io)
    async with serving(io) as url:
        await client.connect(url)
        assert (await sockets.get()).handshake.auth == {}


@pytest.mark.rows("E16", "E17")
@pytest.mark.needs("auth", "retry")
async def test_a_middleware_refuses_with_data(client: JsClient) -> None:
    io = make_server()
    sockets = connections(io)

    @io.use
    async def guard(socket: Socket) -> None:
        if socket.handshake.auth.get("token") != "right":
            raise ConnectRefused("not authorized", data={"code": 7, "why": "没有权限"})

    async with serving(io) as url:
        await client.start(url, auth={"token": "wrong"})
        assert await client.event("connect_error") == ["not authorized", {"code": 7, "why": "没有权限"}]
        assert not (await client.state())["connected"]

        await client.again(auth={"token": "right"})
        await client.event("connect")
        assert (await sockets.get()).handshake.auth == {"token": "right"}
        assert not sockets


@pytest.mark.rows("E17")
async def test_a_middleware_refuses_without_data(client: JsClient) -> None:
    io = make_server()

    @io.of("/club").use
    async def guard(socket: Socket) -> None:
        raise ConnectRefused("members only")

    async with serving(io) as url:
        await client.start(url, "/club")
        assert await client.refused() == client.told("members only")


@pytest.mark.rows("E11")
async def test_an_unknown_namespace_is_refused(client: JsClient) -> None:
    async with serving(make_server()) as url:
        await client.start(url, "/nope")
        assert await client.refused() == unknown_to(client)


@pytest.mark.rows("E11", "E26")
async def test_an_unknown_namespace_leaves_its_siblings_alone(client: JsClient) -> None:
    io = make_server()
    echoes(io)
    async with serving(io) as url:
        await client.connect(url)
        nope = await client.of("/nope")
        assert await nope.refused() == unknown_to(client)
        assert await client.call("echo", "still here") == ["still here"]


@pytest.mark.rows("E3", "E4", "E21", "E26")
@pytest.mark.needs("auth", "unicode")
async def test_namespaces_share_one_connection(client: JsClient) -> None:
    io = make_server()
    names = ["/", "/chat", "/新闻"]
    sockets = {name: connections(io.of(name)) for name in names}

    def register(name: str) -> None:
        @io.of(name).on("where")
        def where(socket: Socket, *args: Any) -> tuple[Any, ...]:
            return name, socket.id, *args

    for name in names:
        register(name)

    async with serving(io) as url:
        await client.connect(url, auth={"for": "/"})
        clients = {"/": client}
        for name in names[1:]:
            clients[name] = await client.of(name, auth={"for": name})
            await clients[name].event("connect")
        assert len({(await one.state())["session"] for one in clients.values()}) == 1

        ids = set()
        for name, one in clients.items():
            socket = await sockets[name].get()
            assert socket.handshake.auth == {"for": name}
            assert await one.call("where", b"\x00\xff", name) == [name, socket.id, b"\x00\xff", name]
            await io.of(name).emit("news", name)
            assert await one.event("news") == [name]
            ids.add(socket.id)
        ids.add((await client.state())["session"])
        assert len(ids) == 4, "the ids of sockets and session are all different"
        assert not any(one.pending("news") for one in clients.values())


@pytest.mark.rows("E26", "F18", "F21")
async def test_leaving_a_namespace_leaves_the_others(client: JsClient) -> None:
    io = make_server()
    chat_ends, ends = disconnections(io.of("/chat")), disconnections(io)
    echoes(io)
    async with serving(io) as url:
        await client.connect(url)
        chat = await client.of("/chat")
        await chat.event("connect")
        former = next(iter(io.of("/chat").sockets))

        await chat.disconnect()
        assert await chat.event("disconnect") == ["io client disconnect"]
        assert await chat_ends.get() == (former, "client namespace disconnect")
        assert await client.call("echo", "still here") == ["still here"]
        assert not ends

        await chat.again()
        await chat.event("connect")
        (socket,) = io.of("/chat").sockets.values()
        assert (socket.id == former) == (client.combination.protocol == 4)


@pytest.mark.rows("C2", "C3", "C13", "C37")
async def test_both_sides_name_the_same_transport(client: JsClient) -> None:
    io = make_server()
    sockets = connections(io)

    @io.on("transport")
    def transport(socket: Socket) -> str:
        return socket.transport

    async with serving(io) as url:
        await client.connect(url)
        socket = await sockets.get()
        settled = client.combination.settled
        assert socket.handshake.query["transport"] == client.combination.transports[0]
        assert (await client.state())["transport"] == settled
        assert await client.call("transport") == [settled]


@pytest.mark.rows("C11")
async def test_without_upgrades_it_stays_on_polling(node: Node) -> None:
    io = make_server(allow_upgrades=False)

    @io.on("transport")
    def transport(socket: Socket) -> str:
        return socket.transport

    client = node.client(Combination("4", "upgrade"))
    async with serving(io) as url:
        await client.start(url)
        await client.event("connect")
        assert await client.call("transport") == ["polling"]
        assert (await client.state())["transport"] == "polling"
        assert not client.pending("upgrade")


@pytest.mark.rows("C36", "E4", "F21", "G3")
@pytest.mark.needs("unicode")
async def test_two_hundred_clients_at_once(node: Node, combination: Combination) -> None:
    io = make_server()
    ends = disconnections(io)
    clients = [node.client(combination) for _ in range(CROWD)]
    answers: dict[int, Any] = {}

    @io.on("who")
    async def who(socket: Socket, number: int) -> tuple[int, str]:
        return number, socket.id

    async def come(number: int, url: str) -> None:
        await clients[number].connect(url)
        answers[number] = await clients[number].call("who", number)

    async with serving(io) as url:
        async with trio.open_nursery() as nursery:
            for number in range(CROWD):
                nursery.start_soon(come, number, url)
        assert io.engine.clients_count == CROWD
        ids = [(await client.state())["id"] for client in clients]
        assert len(set(ids)) == CROWD
        assert answers == {number: [number, sid] for number, sid in enumerate(ids)}

        await io.emit("all", "大家好", 1)
        await io.emit("all", "大家好", 2)
        for client in clients:
            assert await client.events("all", 2) == [["大家好", 1], ["大家好", 2]]

        async with trio.open_nursery() as nursery:
            for client in clients:
                nursery.start_soon(client.disconnect)
        gone = {await ends.get() for _ in clients}
        assert gone == {(sid, "client namespace disconnect") for sid in ids}


@pytest.mark.rows("P4")
async def test_a_client_asks_again_while_a_middleware_thinks(client: JsClient) -> None:
    """As a React component in StrictMode does: it connects, disconnects and connects."""
    io = make_server()
    echoes(io)
    chat = io.of("/chat")
    sockets = connections(chat)
    thinks: Mailbox[None] = Mailbox()
    go_on = trio.Event()

    @chat.use
    async def think(socket: Socket) -> None:
        thinks.put(None)
        await go_on.wait()

    async with serving(io) as url:
        await client.connect(url)
        other = await client.of("/chat")
        await thinks.get()
        await other.rejoin()
        await thinks.get()
        go_on.set()
        await other.event("connect")
        assert (await sockets.get()).connected
        assert await client.call("echo", 1) == [1]
        assert not sockets
