"""The room that is named by a member's id takes no other member."""

from __future__ import annotations

import pytest
from support.adapters import Host, Member

from trio_socketio.adapters import LocalAdapter, require_own_rooms


def test_room_of_another_member_is_refused_and_all_others_are_not() -> None:
    a, b = Member("a"), Member("b")
    members = {"a": a, "b": b}
    require_own_rooms(members, a, ["a", "x", "c"])
    with pytest.raises(ValueError, match="'b', which is the id of another socket"):
        require_own_rooms(members, a, ["x", "b"])


def test_room_of_its_own_id_is_not_refused_to_a_member_that_takes_anothers_place() -> None:
    require_own_rooms({"a": Member("a")}, Member("a"), ["a"])


def test_member_is_taken_out_of_the_room_of_another_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    adapter: LocalAdapter[Member] = LocalAdapter(Host())
    a, b = Member("a"), Member("b")
    adapter.add(a, ["b", "x"])
    adapter.add(b, ["a"])
    assert (adapter.rooms_of(a), adapter.rooms_of(b)) == ({"a", "x"}, {"b"})
    assert [record.args for record in caplog.records] == [("a", "b"), ("b", "a")]
    with pytest.raises(ValueError, match="is the id of another socket"):
        adapter.join(a, ["y", "b"])
    assert adapter.rooms_of(a) == {"a", "x"}
