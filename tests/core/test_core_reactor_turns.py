"""What connections do to one another, and to themselves, in the middle of a reactor's turn."""

from __future__ import annotations

import fcntl
import gc
import socket

import pytest
from support.handlers import burn
from support.reactor import Bench, Peer, is_open, text
from support.wire import client_frame

from trio_socketio import _core
from trio_socketio._core import Message, Reactor, RoomIndex

pytestmark = pytest.mark.skipif(Reactor is None, reason="the reactor is for Linux")


def test_who_is_removed_by_its_own_message_gets_no_more(bench: Bench):
    peer, other = bench.peer(), bench.peer()
    fd = peer.fd
    peer.on_message = lambda message: bench.reactor.remove(peer.link)
    for each in (peer, other):
        each.send(text("a"), text("b"))
    bench.settle()
    assert (peer.log, other.log) == (["a"], ["a", "b"])
    assert not is_open(fd)


def test_who_is_removed_by_another_in_the_same_turn_gets_nothing(bench: Bench):
    peers = [bench.peer() for _ in range(10)]

    def remove_the_others(peer: Peer) -> None:
        for other in peers:
            if other is not peer:
                bench.reactor.remove(other.link)

    for peer in peers:
        peer.on_message = lambda message, peer=peer: remove_the_others(peer)
        peer.send(text("a"), text("b"))
    bench.settle()
    assert sorted(peer.log for peer in peers) == [[]] * 9 + [["a", "b"]]
    assert len(bench.reactor) == 1


def test_a_descriptor_is_not_given_away_before_the_turn_is_over(bench: Bench):
    """A connection added in the same turn has another number, and gets no message of the former connection."""
    first, second = bench.peer(), bench.peer()
    newcomers: list[Peer] = []

    def replace(message: str) -> None:
        for peer in (first, second):
            bench.reactor.remove(peer.link)
        assert is_open(first.fd)
        assert is_open(second.fd)
        newcomers.append(bench.peer())
        newcomers[-1].send(text("newcomer"))

    for peer in (first, second):
        peer.on_message = replace
        peer.send(text("a"), text("b"))
    bench.settle()
    assert len(first.log + second.log) == 1
    assert newcomers[0].fd not in (first.fd, second.fd)
    assert newcomers[0].log == ["newcomer"]
    assert not is_open(first.fd)


def moved(end: socket.socket, descriptor: int) -> socket.socket:
    """Return the same socket on this descriptor, which is free."""
    with end:
        return socket.socket(fileno=fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, descriptor))


def test_a_descriptor_that_is_used_again_belongs_to_the_newcomer_alone(bench: Bench):
    for _ in range(50):
        old = bench.peer()
        old.link.send(Message("old"))
        old.send(text("old"))
        old.client.close()
        client, theirs = socket.socketpair()
        bench.reactor.remove(old.link)
        new = Peer(bench, (client, moved(theirs, old.fd)))
        assert new.fd == old.fd
        new.send(text("new"))
        bench.settle()
        assert (old.log, new.log, new.read()) == ([], ["new"], b"")
        bench.reactor.remove(new.link)


def test_a_connection_that_nobody_else_holds_may_end_in_its_own_message(bench: Bench):
    seen: list[str] = []

    class Suicide(Peer):
        def text(self, data: bytes, now: float) -> None:
            seen.append(data.decode())
            link, self.link = self.link, None  # type: ignore[assignment]
            link.transport = link.observer = None
            bench.reactor.remove(link)

    for _ in range(100):
        peer = Suicide(bench, socket.socketpair())
        peer.send(text("a"), text("b"), client_frame(1, b"4c", fin=False))
        del peer
    gc.collect()
    bench.settle()
    assert seen == ["a"] * 100
    assert len(bench.reactor) == 0


def test_an_upgrade_in_the_middle_of_the_input_takes_the_rest_along(bench: Bench):
    candidate = bench.peer()
    session = Peer(bench, None)
    session.link.send(Message("queued while it polled"))

    def upgrade(message: object) -> None:
        if message == ("receive", "5"):
            bench.reactor.move(candidate.link, session.link)
            session.link.adopt(candidate.link)

    candidate.link.open = False
    candidate.on_message = upgrade
    half = text("in halves")
    candidate.send(
        client_frame(1, b"2probe"), client_frame(1, b"5"), text("a"), client_frame(2, b"b"), half[:5]
    )
    bench.settle()
    candidate.send(half[5:])
    bench.settle()
    assert candidate.log == [("receive", "2probe"), ("receive", "5")]
    assert session.log == ["a", b"b", "in halves"]
    assert candidate.read() == b"\x81\x174queued while it polled"
    bench.reactor.remove(candidate.link)  # it has no socket any more
    assert len(bench.reactor) == 1


def test_a_session_that_is_not_read_stays_so_through_its_upgrade(bench: Bench):
    candidate, session = bench.peer(), Peer(bench, None)
    session.link.paused = True

    def upgrade(message: object) -> None:
        bench.reactor.move(candidate.link, session.link)
        session.link.adopt(candidate.link)

    candidate.link.open = False
    candidate.on_message = upgrade
    candidate.send(client_frame(1, b"5"), text("a"))
    bench.settle()
    assert session.link.paused
    assert session.log == []
    bench.reactor.resume(session.link)
    bench.settle()
    assert session.log == ["a"]


def test_a_peer_that_resets_in_the_middle_of_a_flush_is_broken_and_the_others_are_served(bench: Bench):
    stuck, other = bench.peer(buffer=1), bench.peer()
    stuck.on_message = lambda message: bench.reactor.remove(stuck.link)
    for number in range(20):
        stuck.link.send(Message("x" * 1000))
        other.link.send(Message(str(number)))
    bench.settle()
    assert not stuck.link.is_writable
    stuck.client.close()
    bench.settle()
    assert [name for name, _ in stuck.log] in (["broken"], ["ended"])
    assert other.read().count(b"\x81") == 20
    assert len(bench.reactor) == 1


def test_a_peer_that_is_gone_when_something_is_written_is_told_broken(bench: Bench):
    peer = bench.peer()
    peer.link.paused = True
    bench.settle()
    peer.client.close()
    peer.link.send(Message("x"))
    bench.settle()
    assert peer.log == [("broken", 32)]  # an end alone would not end it while output is left


def test_input_is_handed_over_before_the_ends_of_others_are_reported():
    """Thousands of connections may end at once, and each end takes a while."""
    bench = Bench(turn_seconds=0.001)
    ended = [bench.peer() for _ in range(20)]
    for peer in ended:
        peer.send(text("last"))
        peer.client.close()
        peer.on_message = lambda message: burn(0.002)
    other = bench.peer()
    other.send(text("hello"))
    bench.turn()
    assert other.log == ["hello"]
    assert sum(len(peer.log) for peer in ended) <= 1
    bench.settle()
    assert [peer.log for peer in ended] == [["last", ("ended", None)]] * 20
    bench.close()


def test_who_is_removed_before_its_end_is_reported_is_left_out(bench: Bench):
    first, second = bench.peer(), bench.peer()
    for peer in (first, second):
        peer.client.close()
    first.on_message = lambda message: bench.reactor.remove(second.link)
    second.on_message = lambda message: bench.reactor.remove(first.link)
    bench.settle()
    assert len(first.log) + len(second.log) == 1
    assert len(bench.reactor) == 1


def test_rest_of_the_input_is_handed_over_before_the_end_is_reported(bench: Bench):
    peer = bench.peer()
    peer.send(*(text(str(number)) for number in range(100)))
    peer.client.close()
    bench.settle()
    assert peer.log == [*(str(number) for number in range(100)), ("ended", None)]


def test_end_is_reported_after_an_interrupt_in_the_last_input(bench: Bench):
    peer = bench.peer()
    peer.send(text("a"), text("b"))
    peer.client.close()

    def interrupt(message: object) -> None:
        if message == "a":
            raise KeyboardInterrupt

    peer.on_message = interrupt
    with pytest.raises(KeyboardInterrupt):
        bench.turn()
    bench.settle()
    assert peer.log == ["a", "b", ("ended", None)]


def test_last_input_is_handed_over_before_a_failed_write_is_reported(bench: Bench):
    peer = bench.tcp_peer()
    peer.link.send(Message("not read, so the client resets the connection"))
    bench.settle()
    peer.send(*(text(str(number)) for number in range(100)))
    peer.client.close()
    peer.on_message = lambda message: message == ("broken", 104) and bench.reactor.remove(peer.link)
    for _ in range(10):
        peer.link.send(Message("fails"))
        bench.turn()
    bench.settle()
    assert peer.log == [*(str(number) for number in range(100)), ("broken", 104)]


def test_turn_after_the_reactor_is_closed_does_nothing():
    bench = Bench(turn_seconds=0.001)
    for _ in range(3):
        peer = bench.peer()
        peer.client.close()
        peer.on_message = lambda message: burn(0.002)
    bench.turn()
    assert bench.reactor.ending == 2
    bench.close()
    assert bench.turn() is False


class Member(_core.Member):
    def __init__(self, name: str) -> None:
        self.id = name


def test_a_broadcast_tells_the_reactor_once_and_reaches_everybody_in_one_turn(bench: Bench):
    index, peers = RoomIndex(), [bench.peer() for _ in range(300)]
    for number, peer in enumerate(peers):
        index.add(Member(str(number)), peer.link)
    bench.settle()
    told = bench.told
    index.broadcast(Message("x"), None, [])
    index.broadcast(Message("y"), None, [])
    assert bench.told == told + 1
    assert not bench.turn()
    assert {peer.read() for peer in peers} == {b"\x81\x024x\x81\x024y"}


def test_who_ends_between_a_broadcast_and_its_flush_is_left_out(bench: Bench):
    index, peers = RoomIndex(), [bench.peer() for _ in range(50)]
    for number, peer in enumerate(peers):
        index.add(Member(str(number)), peer.link)
    index.broadcast(Message("x"), None, [])
    for number, peer in enumerate(peers[::2]):
        bench.reactor.remove(peer.link)
        if number % 2:
            index.remove(index.members[str(2 * number)])
        peer.link = None  # type: ignore[assignment]
    gc.collect()
    bench.settle()
    assert [peer.client.recv(9) for peer in peers[::2]] == [b""] * 25
    assert [peer.read() for peer in peers[1::2]] == [b"\x81\x024x"] * 25
