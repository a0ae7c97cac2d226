"""The room index, compared with a plain set of pairs."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trio_socketio.socketio import RoomIndex, Target


@dataclass(frozen=True)
class Member:
    id: str


A, B, C = Member("A"), Member("B"), Member("C")


@pytest.fixture
def index() -> RoomIndex[Member]:
    """A is in red, B in red and blue, C in blue."""
    index: RoomIndex[Member] = RoomIndex()
    for member in (A, B, C):
        index.add(member)
    for member, room in ((A, "red"), (B, "red"), (B, "blue"), (C, "blue")):
        index.join(member, room)
    return index


def test_every_member_is_in_the_room_of_its_own_id(index):
    assert index.rooms_of(A) == {"A", "red"}
    assert list(index.select(Target().to(["C"]))) == [C]


@pytest.mark.parametrize(
    ("target", "members"),
    [
        (Target(), {A, B, C}),
        (Target().to(["red"]), {A, B}),
        (Target().to(["red"]).to(["blue"]), {A, B, C}),
        (Target().to(["red", "blue"]).without(["B"]), {A, C}),
        (Target().without(["red"]), {C}),
        (Target().to(["red"]).without(["blue", "nowhere"]), {A}),
        (Target().to(["nowhere"]), set()),
        (Target().to(["red"]).without(["red"]), set()),
    ],
)
def test_a_target_is_the_union_of_its_rooms_but_for_its_exceptions(index, target, members):
    chosen = list(index.select(target))
    assert set(chosen) == members
    assert len(chosen) == len(members)


def test_a_target_is_a_value():
    red = Target().to(["red"])
    red.to(["blue"])
    red.without(["A"])
    assert red == Target(rooms=frozenset({"red"}))


def test_empty_rooms_are_gone(index):
    index.leave(A, "red")
    index.remove(B)
    assert index.rooms() == {"A", "C", "blue"}
    assert index.rooms_of(B) == frozenset()
    assert len(index) == 2


def test_joining_twice_and_leaving_what_one_is_not_in_changes_nothing(index):
    index.join(A, "red")
    index.leave(A, "blue")
    index.leave(Member("stranger"), "red")
    index.remove(Member("stranger"))
    assert list(index.select(Target().to(["red"]))) == [A, B]


def test_the_rooms_of_a_member_are_a_snapshot(index):
    before = index.rooms_of(A)
    index.leave(A, "red")
    assert before == {"A", "red"}


class RoomsAgainstASetOfPairs(RuleBasedStateMachine):
    members = st.sampled_from([Member(str(number)) for number in range(4)])
    rooms = st.sampled_from(["red", "blue", "0"])
    some = st.frozensets(st.sampled_from(["red", "blue", "0", "1", "nowhere"]))

    def __init__(self):
        super().__init__()
        self.index: RoomIndex[Member] = RoomIndex()
        self.pairs: set[tuple[Member, str]] = set()
        self.present: set[Member] = set()

    @rule(member=members)
    def add(self, member):
        if member not in self.present:
            self.index.add(member)
            self.present.add(member)
            self.pairs.add((member, member.id))

    @rule(member=members)
    def remove(self, member):
        self.index.remove(member)
        self.present.discard(member)
        self.pairs = {pair for pair in self.pairs if pair[0] != member}

    @rule(member=members, room=rooms)
    def join(self, member, room):
        if member in self.present:
            self.index.join(member, room)
            self.pairs.add((member, room))

    @rule(member=members, room=rooms)
    def leave(self, member, room):
        self.index.leave(member, room)
        self.pairs.discard((member, room))

    @rule(rooms=some, exclude=some)
    def select(self, rooms, exclude):
        wanted = {member for member, room in self.pairs if room in rooms} if rooms else self.present
        unwanted = {member for member, room in self.pairs if room in exclude}
        chosen = list(self.index.select(Target(rooms=rooms, exclude=exclude)))
        assert set(chosen) == wanted - unwanted
        assert len(set(chosen)) == len(chosen)

    @invariant()
    def same(self):
        assert len(self.index) == len(self.present)
        assert self.index.rooms() == {room for _, room in self.pairs}
        for member in self.present:
            assert self.index.rooms_of(member) == {room for m, room in self.pairs if m == member}


TestRoomsAgainstASetOfPairs = RoomsAgainstASetOfPairs.TestCase
