"""Namespaces share one connection, and a violation of the protocol in one closes it."""

from __future__ import annotations

from typing import Any

import pytest
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import (
    Server,
)


@pytest.mark.rows("E11")
async def test_connect_to_an_unknown_namespace_is_refused(running: Any) -> None:
    async with running(Server()) as net:
        client = await net.session()
        await client.send("0/nope,")
        assert await client.receive() == '4/nope,{"message":"Invalid namespace"}'
        await client.connect()


@pytest.mark.rows("E3", "E26", "F18")
async def test_namespaces_are_multiplexed_and_independent(running: Any) -> None:
    io = Server()
    post = io.of("post")  # the slash is added
    assert post is io.of("/post")
    reasons: list[str] = []
    post.on("disconnect", lambda socket, reason: reasons.append(reason))
    io.on("ev", lambda socket: "main")
    post.on("ev", lambda socket: "post")
    async with running(io) as net:
        client = await net.session()
        await client.send("0/post,")
        assert str(await client.receive()).startswith('0/post,{"sid":"')
        await client.connect()
        await client.send('2/post,0["ev"]')
        assert await client.receive() == '3/post,0["post"]'
        assert await client.call("ev") == ["main"]
        (socket,) = post.sockets.values()
        assert socket.id != client.sids["/"]
        socket.disconnect()
        assert await client.receive() == "1/post,"
        await wait_all_tasks_blocked()
        assert reasons == ["server namespace disconnect"]
        assert await client.call("ev", ack=1) == ["main"]
        await client.connect("/post")


@pytest.mark.rows("E13", "F22")
@pytest.mark.parametrize("namespace", ["/", "/x"])
async def test_second_connect_to_a_namespace_closes_the_connection(running: Any, namespace: str) -> None:
    io = Server()
    reasons: list[Any] = []
    io.of(namespace).on(
        "disconnect", lambda socket, reason, description: reasons.append((reason, description))
    )
    async with running(io) as net:
        client = await net.connect(namespace)
        await client.send(f"0{'' if namespace == '/' else namespace + ','}")
        assert isinstance(await client.receive(), CloseConnection)
        await wait_all_tasks_blocked()
    assert reasons == [("forced close", "CONNECT to a namespace that the client has already joined")]


@pytest.mark.rows("E14")
@pytest.mark.parametrize("packet", ['2/x,["ev"]', "3/x,0[]", "1/x,", '4/x,{"message":"no"}'])
async def test_packet_for_a_namespace_not_joined_closes_the_connection(running: Any, packet: str) -> None:
    io = Server()
    io.of("/x")
    reasons: list[str] = []
    io.on("disconnect", lambda socket, reason: reasons.append(reason))
    async with running(io) as net:
        client = await net.connect()
        await client.send(packet)
        assert isinstance(await client.receive(), CloseConnection)
        await wait_all_tasks_blocked()
    assert reasons == ["forced close"]


async def test_packets_that_cross_our_disconnect_are_ignored(running: Any) -> None:
    io = Server()
    io.on("ev", lambda socket: "main")
    async with running(io) as net:
        client = await net.connect()
        x = io.of("/x")
        await client.connect("/x")
        next(iter(x.sockets.values())).disconnect()
        await client.send('2/x,["late"]')
        assert await client.receive() == "1/x,"
        assert await client.call("ev") == ["main"]
