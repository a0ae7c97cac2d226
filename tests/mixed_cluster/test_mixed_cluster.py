"""What servers of ours and of Node do together, with each adapter; servers and emitters of both send."""

from __future__ import annotations

from typing import Any

import pytest

from mixed_cluster.team import Team

pytestmark = [pytest.mark.clients, pytest.mark.rows("I1", "I3", "I5", "I6", "I7")]

BYTES = bytes(range(256))


def spread(team: Team, *wanted: list[list[Any]]) -> list[list[list[Any]]]:
    """Return what the clients should have received: the wanted lists, over and over."""
    return [wanted[at % len(wanted)] for at in range(len(team.members))]


# broadcasts


async def test_emit_to_all(team: Team) -> None:
    for sender in team.each_sender():
        await sender.emit(team.choose(), "ev", "text ä 😀", {"a": [1, 2.5, None, True]})
        await sender.emit(team.choose(), "ev", 2)
        assert await team.received(sender) == spread(team, [["text ä 😀", {"a": [1, 2.5, None, True]}], [2]])


@pytest.mark.variants
async def test_emit_to_a_room(team: Team) -> None:
    await team.join(["room"], ["elsewhere"])
    for sender in team.each_sender():
        await sender.emit(team.choose("room"), "ev", 1)
        assert await team.received(sender) == [[[1]], [], [], []][: len(team.members)]


async def test_emit_to_rooms_reaches_each_client_once(team: Team) -> None:
    await team.join(["a", "b"], ["b"], ["c"], [])
    for sender in team.each_sender():
        await sender.emit(team.choose("a", "b", "c"), "ev", 1)
        assert await team.received(sender) == [[[1]], [[1]], [[1]], []][: len(team.members)]


async def test_emit_except_a_room(team: Team) -> None:
    await team.join(["a"], ["a", "b"], ["b"], ["a"])
    for sender in team.each_sender():
        await sender.emit(team.choose(without=["b"]), "ev", 1)
        await sender.emit(team.choose("a", without=["b"]), "ev", 2)
        both = [[1], [2]]
        assert await team.received(sender) == [both, [], [], both][: len(team.members)]


@pytest.mark.variants
async def test_emit_to_one_socket(team: Team) -> None:
    for sender in team.each_sender():
        for number, socket_id in enumerate(team.ids):
            await sender.emit(team.choose(socket_id), "ev", number)
        assert await team.received(sender) == [[[number]] for number in range(len(team.members))]


async def test_emit_binary(team: Team) -> None:
    await team.join(["room"], ["room"], ["room"], ["room"])
    args = ["x", BYTES, {"deep": [b"", {"b": b"\x00\xff"}]}]
    for sender in team.each_sender():
        await sender.emit(team.choose(), "ev", *args)
        await sender.emit(team.choose("room"), "ev", *args)
        assert await team.received(sender) == spread(team, [args, args])


async def test_emit_volatile_and_uncompressed(team: Team) -> None:
    for sender in team.each_sender():
        await team.warm(sender, "volatile")
        await sender.emit(team.choose(flags=["uncompressed"]), "ev", 2)
        assert await team.received(sender) == spread(team, [[2]])


async def test_emit_local_stays_on_its_server(team: Team) -> None:
    for sender in team.each_sender():
        await sender.emit(team.choose(flags=["local"]), "ev", 1)
        assert await team.received(sender) == [
            [[1]] if member.server is sender else [] for member in team.members
        ]


async def test_rooms_that_node_names_by_numbers(team: Team) -> None:
    for member in team.members:
        await member.client.call("join", "7" if member.server.is_ours else 7)
    for server in team.servers:
        await server.settled()
    for sender in team.each_sender():
        if sender.is_ours:
            found = await sender.fetch(team.choose())
            assert all("7" in socket["rooms"] for socket in found.values())
        else:
            await sender.emit(team.choose(7), "ev", 1)
            await sender.emit(team.choose(without=[7]), "ev", 2)
            await sender.join(team.choose(team.ids[0]), 1.5)
            joined = "1.5" if team.members[0].server.is_ours else 1.5
            await team.until_chosen(sender, team.choose(joined), team.ids[0])
            assert await team.received(sender) == spread(team, [[1]])
            await sender.leave(team.choose(), 1.5)
            await team.until_chosen(sender, team.choose(joined))


@pytest.mark.nsp("/other")
async def test_another_namespace(team: Team) -> None:
    await team.join(["room"], [], ["room"], [])
    for sender in team.each_sender():
        await sender.emit(team.choose(), "ev", 1)
        await sender.emit(team.choose("room"), "ev", BYTES)
        assert await team.received(sender) == spread(team, [[1], [BYTES]], [[1]])
        assert (await sender.fetch(team.choose("room"))).keys() == set(team.ids[::2])


@pytest.mark.old_clients
@pytest.mark.parametrize("nsp", ["/", pytest.param("/other", marks=pytest.mark.nsp("/other"))])
async def test_clients_of_engine_io_3(team: Team, nsp: str) -> None:
    assert team.nsp == nsp
    await team.join(["room"], [], ["room"], [])
    for number, member in enumerate(team.members):
        await member.client.answer("ask", number)
    for sender in team.each_sender():
        await sender.emit(team.choose(), "ev", "ü", BYTES)
        await sender.emit(team.choose("room"), "ev", 1)
        for socket_id in team.ids:
            await sender.emit(team.choose(socket_id), "ev", socket_id)
        received = await team.received(sender)
        for number, (each, socket_id) in enumerate(zip(received, team.ids, strict=True)):
            in_room = [[1]] if number % 2 == 0 else []
            assert sorted(each, key=str) == sorted([["ü", BYTES], *in_room, [socket_id]], key=str)
        answers = await sender.call(team.choose(), "ask", timeout=5.0)
        assert (sorted(answers.values), answers.complete) == ([*range(len(team.members))], True)
        found = await sender.fetch(team.choose())
        assert found.keys() == set(team.ids)
        for member in team.members:
            assert found[member.id]["handshake"]["query"]["EIO"] == ("3" if member.server.is_ours else "4")
        await sender.remote(team.nsp, team.ids[0], "emit", "only you")
        await sender.join(team.choose(team.ids[0]), "late")
        await team.until_chosen(sender, team.choose("late"), team.ids[0])
        await sender.leave(team.choose(), "late")
        await team.until_chosen(sender, team.choose("late"))
        assert (await team.received(sender))[0] == [["only you"]]
    for sender, member in zip(team.each_sender(), team.members[:2], strict=False):
        team.members.remove(member)
        await sender.disconnect_sockets(team.choose(member.id), False)
        assert await member.client.event("disconnect") == ["io server disconnect"]


# broadcasts with acknowledgements


async def test_call_all(team: Team) -> None:
    for number, member in enumerate(team.members):
        await member.client.answer("ask", number)
    for sender in team.each_sender():
        answers = await sender.call(team.choose(), "ask", 1, timeout=5.0)
        assert (sorted(answers.values), answers.complete) == ([*range(len(team.members))], True)
        for member in team.members:
            assert await member.client.event("ask") == [1]


@pytest.mark.variants
async def test_call_a_room_with_binary(team: Team) -> None:
    await team.join(["room"], [], ["room"], [])
    for member in team.members:
        await member.client.answer("ask", BYTES)
    for sender in team.each_sender():
        answers = await sender.call(team.choose("room"), "ask", BYTES, timeout=5.0)
        assert answers.values == [BYTES] * ((len(team.members) + 1) // 2)
        assert answers.complete
        assert await team.members[0].client.event("ask") == [BYTES]


async def test_call_with_silent_clients_returns_what_came_in_time(team: Team) -> None:
    await team.members[0].client.answer("ask", "here")
    for sender in team.each_sender():
        answers = await sender.call(team.choose(), "ask", timeout=0.5)
        assert (answers.values, answers.complete) == (["here"], False)


# sockets of all servers


@pytest.mark.adapters("classic")
@pytest.mark.senders("node")
async def test_rooms_of_all_servers(team: Team) -> None:
    await team.join(["a"], ["b"], ["a"], ["c"])
    for sender in team.each_sender():
        assert set(await sender.all_rooms("/")) >= {"a", "b", *team.ids}


@pytest.mark.variants
async def test_fetch_sockets(team: Team) -> None:
    await team.join(["a"], ["a", "b"], [], ["b"])
    for member in team.members:
        await member.server.set_data(team.nsp, member.id, {"of": member.server.name})
    for sender in team.each_sender():
        found = await sender.fetch(team.choose())
        for member, rooms in zip(team.members, (["a"], ["a", "b"], [], ["b"]), strict=False):
            socket = found[member.id]
            assert sorted(socket["rooms"]) == sorted([*rooms, member.id])
            assert socket["data"] == {"of": member.server.name}
            assert socket["handshake"]["query"]["EIO"] == "4"
            assert "127.0.0.1" in socket["handshake"]["address"]
            assert socket["handshake"]["url"].startswith("/socket.io/?")
        assert len(found) == len(team.members)
        in_a = await sender.fetch(team.choose("a", without=["b"]))
        assert in_a.keys() == {team.ids[0]}
        local = await sender.fetch(team.choose(flags=["local"]))
        assert local.keys() == {member.id for member in team.members if member.server is sender}


async def test_sockets_join_and_leave(team: Team) -> None:
    for sender in team.each_sender():
        await sender.join(team.choose(*team.ids[1:]), "late", "later")
        await team.until_chosen(sender, team.choose("late"), *team.ids[1:])
        await sender.leave(team.choose(team.ids[-1]), "late")
        await team.until_chosen(sender, team.choose("late"), *team.ids[1:-1])
        await team.until_chosen(sender, team.choose("later"), *team.ids[1:])
        await sender.leave(team.choose(), "late", "later")
        await team.until_chosen(sender, team.choose("late", "later"))


@pytest.mark.parametrize("close", [False, True], ids=["namespace", "connection"])
async def test_disconnect_sockets(team: Team, close: bool) -> None:
    for sender in team.each_sender():
        own = next(each for each in team.members if each.server is sender)
        for member in (own, team.members[-1]):
            team.members.remove(member)
            await sender.disconnect_sockets(team.choose(member.id), close)
            assert await member.client.event("disconnect") == ["io server disconnect"]
            await team.until_chosen(sender, team.choose(), *team.ids)


# between servers


async def test_server_side_emit(team: Team) -> None:
    for sender in team.each_sender():
        await sender.tell("/", "news", {"a": [1, None]})
        await sender.tell("/other", "of another namespace")
        await sender.tell("/", "more")
        for server in team.servers:
            if server is not sender:
                assert await server.events("told", 3) == [
                    ["news", {"a": [1, None]}],
                    ["of another namespace"],
                    ["more"],
                ]
    assert [server.pending("told") for server in team.servers] == [0] * len(team.servers)


@pytest.mark.variants
async def test_server_side_call(team: Team) -> None:
    for sender in team.each_sender():
        answers = await sender.ask_servers("/", "who", 1)
        assert answers.complete
        others = [server.name for server in team.servers if server is not sender]
        assert sorted(answers.values, key=lambda answer: answer["from"]) == [
            {"from": name, "args": ["who", 1]} for name in sorted(others)
        ]


# one socket of another server


@pytest.mark.variants
async def test_remote_socket(team: Team) -> None:
    for sender in team.each_sender():
        for number, member in enumerate(team.members):
            await member.client.answer("ask", number)
            await sender.remote("/", member.id, "emit", "only you", number)
            said = await sender.remote("/", member.id, "call", "well?", timeout=5.0)
            assert said == {"values": number, "complete": True}
            assert await member.client.event("ask") == ["well?"]
            await sender.remote("/", member.id, "join", "guests")
        await team.until_chosen(sender, team.choose("guests"), *team.ids)
        await sender.remote("/", team.ids[-1], "leave", "guests")
        await team.until_chosen(sender, team.choose("guests"), *team.ids[:-1])
        await sender.leave(team.choose(), "guests")
        await team.until_chosen(sender, team.choose("guests"))
        assert await team.received(sender) == [[["only you", number]] for number in range(len(team.members))]


async def test_call_of_a_silent_remote_socket_ends_in_time(team: Team) -> None:
    for sender in team.each_sender():
        for member in team.members:
            said = await sender.remote("/", member.id, "call", "well?", timeout=0.2)
            assert said == {"values": [], "complete": False}


async def test_remote_socket_is_disconnected(team: Team) -> None:
    for sender in team.each_sender():
        member = next(each for each in team.members if each.server is not sender)
        team.members.remove(member)
        await sender.remote("/", member.id, "disconnect", True)
        assert await member.client.event("disconnect") == ["io server disconnect"]


# emitters


@pytest.mark.emitters
@pytest.mark.rows("I8")
async def test_emitter_emits(team: Team) -> None:
    await team.join(["a"], ["a", "b"], ["b"], [])
    for emitter in team.each_emitter():
        await emitter.emit(team.choose(), "ev", 1, BYTES)
        await emitter.emit(team.choose("a"), "ev", 2)
        await emitter.emit(team.choose("a", "b", without=[team.ids[0]]), "ev", 3)
        await emitter.emit(team.choose(flags=["uncompressed"]), "ev", {"five": [5]})
        expected = [
            [[1, BYTES], [2], [{"five": [5]}]],
            [[1, BYTES], [2], [3], [{"five": [5]}]],
            [[1, BYTES], [3], [{"five": [5]}]],
            [[1, BYTES], [{"five": [5]}]],
        ]
        assert await team.received(emitter) == expected[: len(team.members)]
        await team.warm(emitter, "volatile")


@pytest.mark.emitters
@pytest.mark.nsp("/other")
async def test_emitter_changes_rooms_of_a_namespace(team: Team) -> None:
    for emitter in team.each_emitter():
        await emitter.join(team.choose(*team.ids[1:]), "x", "y")
        await emitter.leave(team.choose(team.ids[-1]), "y")
        await emitter.emit(team.choose("x"), "ev", "x")
        await emitter.emit(team.choose("y"), "ev", "y")
        expected = [[], *([[["x"], ["y"]]] * (len(team.members) - 2)), [["x"]]]
        assert await team.received(emitter) == expected
        await emitter.leave(team.choose(), "x", "y")


@pytest.mark.emitters
async def test_emitter_tells_the_servers_and_disconnects_sockets(team: Team) -> None:
    for emitter in team.each_emitter():
        await emitter.tell("/", "news", 1)
        for server in team.servers:
            assert await server.event("told") == ["news", 1]
        member = team.members.pop()
        await emitter.disconnect_sockets(team.choose(member.id), True)
        assert await member.client.event("disconnect") == ["io server disconnect"]
