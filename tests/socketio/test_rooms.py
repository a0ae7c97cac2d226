"""The room index, compared with a plain set of pairs."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from support.native import ALL, connection

from trio_socketio import _core
from trio_socketio._core import Connection, Message
from trio_socketio.socketio import RoomIndex, Target


class Member(_core.Member):
    def __init__(self, name: str) -> None:
        self.id = name
        self.link = open_connection()

    def __repr__(self) -> str:
        return self.id


def open_connection(**limits: int) -> Connection:
    link = connection(**limits)
    link.open = True
    return link


def received(member: Member) -> list[str]:
    """What was sent to a member since this was last asked; every message is one letter."""
    sent = member.link.take(ALL)
    member.link.confirm()
    return [sent[at + 3 : at + 4].decode() for at in range(0, len(sent), 4)]


Rooms = tuple[RoomIndex[Member], Member, Member, Member]


@pytest.fixture
def rooms() -> Rooms:
    """A is in red, B in red and blue, C in blue."""
    a, b, c = Member("A"), Member("B"), Member("C")
    index: RoomIndex[Member] = RoomIndex()
    for member in (a, b, c):
        index.add(member, member.link)
    for member, room in ((a, "red"), (b, "red"), (b, "blue"), (c, "blue")):
        index.join(member, room)
    return index, a, b, c


def test_every_member_is_in_the_room_of_its_own_id(rooms: Rooms):
    index, a, _, c = rooms
    assert index.rooms_of(a) == {"A", "red"}
    assert index.select(Target().to(["C"])) == [c]


TARGETS = [
    (Target(), "ABC"),
    (Target().to(["red"]), "AB"),
    (Target().to(["red"]).to(["blue"]), "ABC"),
    (Target().to(["red", "blue"]).without(["B"]), "AC"),
    (Target().without(["red"]), "C"),
    (Target().to(["red"]).without(["blue", "nowhere"]), "A"),
    (Target().to(["nowhere"]), ""),
    (Target().to(["red"]).without(["red"]), ""),
    (Target().to([]), ""),
    (Target().to([]).to(["red"]), "AB"),
    (Target().to(["red"]).to([]), "AB"),
    (Target().without([]), "ABC"),
]


@pytest.mark.rows("P29")
@pytest.mark.parametrize(("target", "members"), TARGETS)
def test_a_target_is_the_union_of_its_rooms_but_for_its_exceptions(rooms: Rooms, target, members):
    assert sorted(member.id for member in rooms[0].select(target)) == sorted(members)


@pytest.mark.rows("P29")
@pytest.mark.parametrize(("target", "members"), TARGETS)
def test_broadcast_reaches_each_selected_member_once(rooms: Rooms, target, members):
    index, *everybody = rooms
    assert index.broadcast(Message("x"), target) == []
    for member in everybody:
        assert received(member) == ["x"] * (member.id in members)


def test_a_target_is_a_value():
    red = Target().to(["red"])
    red.to(["blue"])
    red.without(["A"])
    assert red == Target(rooms=frozenset({"red"}))


def test_joining_twice_or_leaving_another_room_changes_nothing(rooms: Rooms):
    index, a, b, _ = rooms
    index.join(a, "red")
    index.leave(a, "blue")
    index.leave(Member("stranger"), "red")
    index.remove(Member("stranger"))
    assert set(index.select(Target().to(["red"]))) == {a, b}


def test_only_members_can_join(rooms: Rooms):
    with pytest.raises(KeyError):
        rooms[0].join(Member("stranger"), "red")


def test_the_rooms_of_a_member_are_a_snapshot(rooms: Rooms):
    index, a, *_ = rooms
    before = index.rooms_of(a)
    index.leave(a, "red")
    assert before == {"A", "red"}


def test_member_with_a_full_outbox_is_returned_and_receives_nothing(rooms: Rooms):
    index, a, b, _ = rooms
    full = Member("full")
    full.link = open_connection(max_packets=1)
    index.add(full, full.link)
    assert index.broadcast(Message("x"), Target()) == []
    assert index.broadcast(Message("y"), Target().without(["B"])) == [full]
    assert (received(full), received(a), received(b)) == (["x"], ["x", "y"], ["x"])


def test_muted_member_receives_no_broadcast_and_keeps_its_rooms(rooms: Rooms):
    index, a, b, _ = rooms
    index.mute(a)
    index.join(a, "green")
    assert index.broadcast(Message("x"), Target()) == []
    index.broadcast(Message("y"), Target().to(["green", "A", "red"]))
    assert (received(a), received(b)) == ([], ["x", "y"])
    assert index.rooms_of(a) == {"A", "red", "green"}
    assert a in index.select(Target())


class RoomsAgainstASetOfPairs(RuleBasedStateMachine):
    ids = st.sampled_from(["0", "1", "2", "3"])
    rooms = st.sampled_from(["red", "blue", "0"])
    some = st.frozensets(st.sampled_from(["red", "blue", "0", "1", "nowhere"]))

    def __init__(self):
        super().__init__()
        self.index: RoomIndex[Member] = RoomIndex()
        self.everybody = {name: Member(name) for name in "0123"}
        self.pairs: set[tuple[Member, str]] = set()
        self.present: set[Member] = set()

    @rule(name=ids)
    def add(self, name):
        member = self.everybody[name]
        if member not in self.present:
            self.index.add(member, member.link)
            self.present.add(member)
            self.pairs.add((member, name))

    @rule(name=ids)
    def remove(self, name):
        member = self.everybody[name]
        self.index.remove(member)
        self.present.discard(member)
        self.pairs = {pair for pair in self.pairs if pair[0] is not member}

    @rule(name=ids, room=rooms)
    def join(self, name, room):
        member = self.everybody[name]
        if member in self.present:
            self.index.join(member, room)
            self.pairs.add((member, room))

    @rule(name=ids, room=rooms)
    def leave(self, name, room):
        self.index.leave(self.everybody[name], room)
        self.pairs.discard((self.everybody[name], room))

    def chosen(self, rooms, exclude) -> set[Member]:
        in_any = {member for member, room in self.pairs if rooms is None or room in rooms}
        wanted = self.present if rooms is None else in_any
        return wanted - {member for member, room in self.pairs if room in exclude}

    @rule(rooms=st.none() | some, exclude=some)
    def select(self, rooms, exclude):
        chosen = self.index.select(Target(rooms=rooms, exclude=exclude))
        assert set(chosen) == self.chosen(rooms, exclude)
        assert len(set(chosen)) == len(chosen)

    @rule(rooms=st.none() | some, exclude=some)
    def broadcast(self, rooms, exclude):
        self.index.broadcast(Message("x"), Target(rooms=rooms, exclude=exclude))
        heard = self.chosen(rooms, exclude)
        for member in self.everybody.values():
            assert received(member) == ["x"] * (member in heard)

    @invariant()
    def same(self):
        assert len(self.index) == len(self.present)
        for member in self.present:
            assert self.index.rooms_of(member) == {room for m, room in self.pairs if m is member}


TestRoomsAgainstASetOfPairs = RoomsAgainstASetOfPairs.TestCase
