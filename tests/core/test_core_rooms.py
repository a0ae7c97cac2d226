"""The compiled room index: who is kept alive by whom, who is woken, and what it does with arguments of the wrong kind.

Who is in which room is compared with a plain set of pairs in ``tests/socketio/test_rooms.py``.
"""

from __future__ import annotations

import gc
from typing import Any

import pytest
from support.native import ALL, connection

from trio_socketio import _core
from trio_socketio._core import Connection, Message, RoomIndex


class Member(_core.Member):
    def __init__(self, name: str) -> None:
        self.id = name


class Sender:
    """A transport that notes when it is woken."""

    def __init__(self, name: str, woken: list[str]) -> None:
        self.name = name
        self.woken = woken

    def wake(self) -> None:
        self.woken.append(self.name)


def open_connection(**limits: Any) -> Connection:
    link = connection(**limits)
    link.open = True
    return link


def frames(link: Connection) -> bytes:
    sent = link.take(ALL)
    link.confirm()
    return sent


def alive(kind: str) -> int:
    gc.collect()
    return sum(type(thing).__name__ == kind for thing in gc.get_objects())


def test_a_member_keeps_its_connection_and_the_index_its_members():
    index = RoomIndex()
    before = alive("Connection"), alive("Member")
    for number in range(100):
        index.add(Member(str(number)), open_connection())
        index.join(index.members[str(number)], "room")
    assert (alive("Connection"), alive("Member")) == (before[0] + 100, before[1] + 100)
    assert index.broadcast(Message("x"), ["room"], []) == []
    for number in range(100):
        index.remove(index.members[str(number)])
    assert (alive("Connection"), alive("Member")) == before


@pytest.mark.rows("G21")
def test_join_and_leave_say_what_has_changed():
    index, a, b = RoomIndex(), Member("a"), Member("b")
    index.add(a, open_connection())
    index.add(b, open_connection())
    assert [index.join(member, "room") for member in (a, b, a)] == [2, 1, 0]
    assert [index.leave(member, "room") for member in (a, a, b, b)] == [1, 0, 2, 0]
    assert [index.join(a, "a"), index.leave(a, "a"), index.leave(a, "a"), index.join(a, "a")] == [0, 2, 0, 2]
    assert [index.join(b, "a"), index.leave(a, "a"), index.join(a, "a"), index.leave(b, "a")] == [1, 1, 1, 1]
    index.remove(b)
    assert [index.leave(b, "b"), index.leave(b, "room")] == [0, 0]


def test_a_member_that_is_muted_keeps_no_connection():
    index = RoomIndex()
    member = Member("a")
    index.add(member, open_connection())
    before = alive("Connection")
    index.mute(member)
    assert alive("Connection") == before - 1
    assert index.broadcast(Message("x"), None, []) == []


def test_who_is_removed_is_in_no_room_and_may_come_back():
    index, member, first, second = RoomIndex(), Member("a"), open_connection(), open_connection()
    index.add(member, first)
    index.join(member, "room")
    index.remove(member)
    assert index.rooms_of(member) == frozenset()
    assert index.broadcast(Message("x"), ["room", "a"], []) == []
    index.add(member, second)
    index.broadcast(Message("y"), None, [])
    assert (frames(first), frames(second)) == (b"", b"\x81\x024y")


def test_members_outlive_their_index():
    members = [Member(str(number)) for number in range(10)]
    index, link = RoomIndex(), open_connection()
    for member in members:
        index.add(member, link)
        index.join(member, "room")
    del index
    gc.collect()
    other = RoomIndex()
    for member in members:
        other.add(member, link)
        assert other.rooms_of(member) == {member.id}


def test_empty_rooms_are_gone():
    index, members = RoomIndex(), [Member(str(number)) for number in range(3)]
    before = alive("_Room")
    for member in members:
        index.add(member, open_connection())
        for room in range(50):
            index.join(member, f"room {room}")
    assert alive("_Room") == before + 50
    for room in range(50):
        index.leave(members[0], f"room {room}")
        index.leave(members[1], f"room {room}")
    index.remove(members[2])
    assert alive("_Room") == before
    assert index.in_room("room 7") == []


def test_two_members_of_one_id_are_refused_and_do_no_harm():
    index = RoomIndex()
    first, second = Member("same"), Member("same")
    link = open_connection()
    index.add(first, link)
    with pytest.raises(ValueError, match="'same'"):
        index.add(second, open_connection())
    with pytest.raises(KeyError):
        index.join(second, "room")
    index.remove(second)
    assert index.broadcast(Message("x"), ["room", "same"], []) == []
    assert frames(link) == b"\x81\x024x"
    assert index.members == {"same": first}


def test_rooms_that_shrink_and_grow_lose_nobody():
    index = RoomIndex()
    members = [Member(str(number)) for number in range(300)]
    for member in members:
        index.add(member, open_connection())
        index.join(member, "all")
    for member in members[10:]:
        index.leave(member, "all")
    assert set(index.in_room("all")) == set(members[:10])
    for member in members[100:200]:
        index.join(member, "all")
    assert set(index.in_room("all")) == {*members[:10], *members[100:200]}


def test_a_message_outlives_its_broadcast():
    index, link = RoomIndex(), open_connection()
    index.add(Member("a"), link)
    index.broadcast(Message("x" * 100, [b"y" * 100]), None, [])
    gc.collect()
    assert frames(link) == b"\x81\x654" + b"x" * 100 + b"\x82\x64" + b"y" * 100


def test_who_gets_a_broadcast_is_woken_once_and_nobody_else():
    index, woken = RoomIndex(), []
    for name in "abcd":
        link = open_connection(max_packets=2)
        link.transport = Sender(name, woken)
        member = Member(name)
        index.add(member, link)
        for room in ("one", "two")[: "abcd".index(name)]:
            index.join(member, room)
    assert index.broadcast(Message("x"), ["one", "two", "d"], []) == []
    assert sorted(woken) == ["b", "c", "d"]
    woken.clear()
    index.broadcast(Message("x"), ["two"], [])
    index.broadcast(Message("x"), ["two"], [])  # their outboxes are full now
    assert sorted(woken) == ["c", "d"]


def test_who_is_woken_may_let_all_members_go():
    index = RoomIndex()

    class Leaver(Sender):
        def wake(self) -> None:
            super().wake()
            for member in list(index.members.values()):
                index.remove(member)

    woken: list[str] = []
    for name in "abc":
        link = open_connection()
        link.transport = Leaver(name, woken)
        index.add(Member(name), link)
        index.join(index.members[name], "room")
    del link
    index.broadcast(Message("x"), ["room"], [])
    assert sorted(woken) == ["a", "b", "c"]  # they had got it
    assert len(index) == 0


def test_one_connection_with_two_members_gets_a_broadcast_once():
    index, link = RoomIndex(), open_connection()
    for name in "ab":
        index.add(Member(name), link)
    index.broadcast(Message("x"), None, [])
    assert frames(link) == b"\x81\x024x"


def test_volatile_is_lost_for_those_only_who_would_wait():
    index, free, busy = RoomIndex(), open_connection(), open_connection()
    for name, link in (("free", free), ("busy", busy)):
        link.set_streaming()
        index.add(Member(name), link)
    busy.send(Message("earlier"))
    busy.take(ALL)
    assert index.broadcast(Message("x"), None, [], volatile=True) == []
    assert (frames(free), busy.volatile_lost, free.volatile_lost) == (b"\x81\x024x", 1, 0)


@pytest.mark.parametrize("wrong", [None, 5, b"room", ["room"]])
def test_arguments_of_the_wrong_kind_are_type_errors(wrong: Any):
    index, member = RoomIndex(), Member("a")
    index.add(member, open_connection())
    for call in (
        lambda: index.add(wrong, open_connection()),
        lambda: index.add(member, wrong),
        lambda: index.join(member, wrong),
        lambda: index.leave(member, wrong),
        lambda: index.join(wrong, "room"),
        lambda: index.in_room(wrong),
        lambda: index.broadcast(wrong, None, []),
    ):
        with pytest.raises(TypeError):
            call()
    assert index.rooms_of(member) == {"a"}
