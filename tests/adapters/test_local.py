"""The adapter for the sockets of one process, over members that no server has made."""

from __future__ import annotations

import pytest
from support.adapters import Host, Member, broadcast

from trio_socketio import LocalProtocolError
from trio_socketio.adapters import LocalAdapter, Target


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def adapter(host: Host) -> LocalAdapter[Member]:
    return LocalAdapter(host)


def add(adapter: LocalAdapter[Member], *members: Member) -> None:
    for member in members:
        adapter.add(member, ["all"])


@pytest.mark.rows("I1", "I2")
async def test_broadcast_reaches_the_rooms_of_its_target_but_for_the_exceptions(adapter) -> None:
    a, b, c = Member("a"), Member("b"), Member("c")
    add(adapter, a, b, c)
    adapter.join(a, ["x", "y"])
    adapter.join(b, ["x"])
    adapter.broadcast(broadcast("ev", target=Target().to(["x", "y"]).without(["b"])))
    assert [b'["ev"]' in member.received() for member in (a, b, c)] == [True, False, False]
    adapter.leave(a, ["x", "y", "never"])
    adapter.broadcast(broadcast("ev", target=Target().to(["x"])))
    assert [b'["ev"]' in member.received() for member in (a, b, c)] == [False, True, False]


def test_muted_member_keeps_its_rooms_and_a_removed_one_has_none(adapter) -> None:
    a, b = Member("a"), Member("b")
    add(adapter, a, b)
    adapter.mute(a)
    adapter.broadcast(broadcast("ev"))
    assert (a.received(), adapter.rooms_of(a)) == (b"", {"a", "all"})
    adapter.remove(a)
    assert (adapter.members, adapter.rooms_of(a)) == ({"b": b}, frozenset())
    adapter.remove(a)
    with pytest.raises(KeyError):
        adapter.join(a, ["x"])


async def test_full_outboxes_are_given_to_the_host_together(adapter, host) -> None:
    slow, fast = Member("slow", max_packets=1), Member("fast")
    add(adapter, slow, fast)
    for _ in range(2):
        adapter.broadcast(broadcast("ev"))
    assert host.full == [slow]


async def test_emit_waits_for_the_kernel_after_so_many_messages_or_bytes(adapter, host) -> None:
    add(adapter, Member("a", max_bytes=10_000_000))

    def must_settle(*args: str, room: str = "all", waits: bool = True) -> bool:
        item = broadcast("ev", *args, target=Target().to([room]), waits=waits)
        adapter.broadcast(item)
        return item.must_settle

    assert [must_settle() for _ in range(64)] == [*[False] * 31, True] * 2
    assert must_settle("x" * 65_536)
    assert not any(must_settle(waits=False) for _ in range(1000))
    assert [must_settle(room="empty") for _ in range(512)] == [*[False] * 255, True] * 2
    await adapter.settle(broadcast("ev"))
    assert host.flushes == 1


async def test_call_collects_answers_and_names_the_members_without_one(adapter, autojump_clock) -> None:
    yes, no, gone = Member("yes", answer=1), Member("no"), Member("gone", answer=2)
    add(adapter, yes, no, gone)
    gone.is_connected = False
    values, missing = await adapter.call(broadcast("q", ack_id=5), 1)
    assert (values, missing) == ({"yes": 1}, {"no"})
    assert not yes.pending
    assert not no.pending
    with pytest.raises(LocalProtocolError):
        await adapter.call(broadcast("q", object(), ack_id=6), 1)
    assert not yes.pending


async def test_sockets_of_a_target_are_fetched_moved_and_disconnected(adapter) -> None:
    a, b, gone = Member("a"), Member("b"), Member("gone")
    add(adapter, a, b, gone)
    gone.is_connected = False
    both = Target().to(["all"])
    assert await adapter.fetch(both) == [a, b]
    await adapter.sockets_join(both, ["x"])
    await adapter.sockets_leave(both.without(["b"]), ["all"])
    assert [adapter.rooms_of(member) for member in (a, b)] == [{"a", "x"}, {"b", "x", "all"}]
    with pytest.raises(ValueError, match="is the id of another socket"):
        await adapter.sockets_join(Target(), ["y", "a"])
    assert await adapter.fetch(Target().to(["y"])) == []
    await adapter.disconnect_sockets(both, close=True)
    assert (a.was_closed, b.was_closed, gone.was_closed) == (None, True, None)


async def test_server_side_emit_raises_without_other_servers(adapter) -> None:
    assert await adapter.server_count() == 1
    with pytest.raises(LocalProtocolError, match="cluster adapter"):
        await adapter.server_side_emit("ev", ())
