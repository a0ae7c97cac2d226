"""How connections share a reactor: who pauses, who has much to say, and whose messages bring about mistakes."""

from __future__ import annotations

import os
import random
import socket
import zlib

import pytest
from support.reactor import Bench, Peer, text
from support.wire import client_frame

from trio_socketio._core import Deflate, Dialect, Message, Reactor

pytestmark = pytest.mark.skipif(Reactor is None, reason="the reactor is for Linux")


# pausing


def test_who_pauses_in_the_middle_of_its_input_gets_the_rest_when_it_resumes(bench: Bench):
    peer = bench.peer()

    def pause(message: str) -> None:
        peer.link.paused = message in ("1", "3")

    peer.on_message = pause
    peer.send(*(text(str(number)) for number in range(6)))
    bench.settle()
    assert peer.log == ["0", "1"]
    peer.send(text("6"))
    assert bench.settle() < 5  # it does not spin
    assert not bench.is_ready()
    bench.reactor.resume(peer.link)
    bench.settle()
    assert peer.log == ["0", "1", "2", "3"]
    bench.reactor.resume(peer.link)
    bench.settle()
    assert peer.log == [str(number) for number in range(7)]


def test_who_is_paused_is_not_read_but_written_to(bench: Bench):
    peer = bench.peer()
    peer.link.paused = True
    peer.send(text("a"))
    for _ in range(3):
        bench.settle()
    assert peer.log == []
    peer.link.send(Message("x"))
    bench.settle()
    assert peer.read() == b"\x81\x024x"
    bench.reactor.resume(peer.link)
    bench.settle()
    assert peer.log == ["a"]


def test_what_the_kernel_and_the_buffer_hold_does_not_change_while_others_are_read(bench: Bench):
    """What is left of a paused connection's input is its own, not the buffer that all share."""
    peer, others = bench.peer(), [bench.peer() for _ in range(5)]
    peer.on_message = lambda message: setattr(peer.link, "paused", True)
    peer.send(*(text(f"mine {number}") for number in range(50)))
    bench.settle()
    for other in others:
        other.send(*(text("others") for _ in range(500)))
    bench.settle()
    for _ in range(49):
        bench.reactor.resume(peer.link)
        bench.settle()
    assert peer.log == [f"mine {number}" for number in range(50)]


# fairness


def test_each_gets_its_share_of_a_turn():
    bench = Bench(packets_per_turn=8)
    peers = [bench.peer() for _ in range(3)]
    for peer in peers:
        peer.send(*(text(str(number)) for number in range(30)))
    for turn in range(1, 4):
        assert bench.turn()
        assert [len(peer.log) for peer in peers] == [8 * turn] * 3
    bench.settle()
    assert [peer.log for peer in peers] == [[str(number) for number in range(30)]] * 3
    bench.close()


def test_a_large_message_is_a_large_share():
    """What takes long is to inflate it; a read may bring sixty of them."""
    bench = Bench(packets_per_turn=32)
    peer = bench.peer(dialect=Dialect(deflate=Deflate(threshold=1, max_bytes=1)))
    compressor = zlib.compressobj(wbits=-15)
    payload = compressor.compress(bytes(1_000_000)) + compressor.flush(zlib.Z_SYNC_FLUSH)
    peer.send(client_frame(2, payload[:-4], rsv=4) * 8)
    for turn in range(1, 5):
        bench.turn()
        assert len(peer.log) == 2 * turn  # each counts as 16
    assert set(peer.log) == {bytes(1_000_000)}
    bench.close()


@pytest.mark.parametrize("count", [31, 32, 33])
def test_a_ping_before_a_full_share_is_answered_in_the_same_turn(count: int):
    bench = Bench(packets_per_turn=32)
    peer = bench.peer()
    peer.send(client_frame(9, b"hi"), *(text(str(number)) for number in range(count)))
    bench.turn()
    assert peer.read() == b"\x8a\x02hi"
    bench.settle()
    assert len(peer.log) == count
    bench.close()


def test_a_close_frame_is_not_written_into_a_message_that_is_cut_off(bench: Bench):
    peer = bench.peer(buffer=4096, max_bytes=1 << 22)
    peer.link.send(Message(b"x" * (1 << 20)))
    bench.turn()
    assert not peer.link.is_writable  # half of it is in the socket
    peer.link.discard()
    while peer.read():
        bench.turn()
    assert not peer.link.is_writable


def test_a_turn_that_has_no_time_left_comes_again_and_forgets_nobody():
    bench = Bench(turn_seconds=0.0)
    peers = [bench.peer() for _ in range(20)]
    for peer in peers:
        peer.send(text("a"))
        peer.link.send(Message("x"))
    for _ in range(200):
        bench.turn()
        if all(peer.log for peer in peers):
            break
    assert [peer.log for peer in peers] == [["a"]] * 20
    bench.close()


# mistakes


def test_an_exception_hits_only_the_connection_that_it_came_from(bench: Bench):
    bad, good = bench.peer(), bench.peer()
    error = ValueError("a mistake of ours")

    def fail(message: object) -> None:
        if message == "fail":
            raise error

    bad.on_message = fail
    for peer in (bad, good):
        peer.send(text("before"), text("fail"), text("after"))
    bench.settle()
    assert bad.log == ["before", "fail", ("failed", error), "after"]
    assert good.log == ["before", "fail", "after"]


@pytest.mark.parametrize("moment", ["ended", "flushed"])
def test_an_exception_of_a_transport_hits_only_its_own_connection(bench: Bench, moment: str):
    bad, good = bench.peer(), bench.peer()
    error = ValueError("a mistake of ours")

    def fail(message: object) -> None:
        if isinstance(message, tuple) and message[0] == moment:
            bad.on_message = lambda message: None
            raise error

    bad.on_message = fail
    for peer in (bad, good):
        peer.link.watched = True
        peer.link.send(Message("x"))
        peer.client.shutdown(socket.SHUT_WR)
    bench.turn()
    assert (moment, None if moment == "ended" else False) in bad.log
    assert ("failed", error) in bad.log
    assert ("ended", None) in good.log
    assert ("flushed", False) in good.log


def test_what_stops_the_program_comes_through_and_the_others_are_served_later(bench: Bench):
    bad, good = bench.peer(), bench.peer()

    def stop(message: object) -> None:
        raise KeyboardInterrupt

    bad.on_message = stop
    for peer in (bad, good):
        peer.send(text("a"))
    with pytest.raises(KeyboardInterrupt):
        bench.settle()
    bench.reactor.remove(bad.link)
    bench.settle()
    assert good.log == ["a"]


def test_a_descriptor_that_is_none_stays_the_callers(bench: Bench):
    peer = Peer(bench, None)
    with open(os.devnull, "rb") as file, pytest.raises(OSError, match="reactor"):
        bench.reactor.add(peer.link, file.fileno())  # epoll takes no files
    assert len(bench.reactor) == 0


# all at once


@pytest.mark.parametrize("seed", range(5))
def test_whatever_happens_everybody_gets_each_message_once_in_order(bench: Bench, seed: int):
    """Random reads, writes, pauses, removals and newcomers; each has numbered messages in both directions."""
    chance = random.Random(seed)
    peers: list[Peer] = []
    sent: dict[Peer, list[int]] = {}
    gone: set[Peer] = set()

    def remove(peer: Peer) -> None:
        bench.reactor.remove(peer.link)
        gone.add(peer)

    def react(peer: Peer, message: str) -> None:
        peer.link.send(Message(message))  # an echo
        roll = chance.random()
        if roll < 0.05:
            peer.link.paused = True
        elif roll < 0.07:
            remove(chance.choice(peers))

    def add() -> None:
        peer = bench.peer(buffer=chance.choice([0, 1]), max_packets=1 << 20)
        peer.on_message = lambda message: react(peer, message)
        peers.append(peer)
        sent[peer] = [0, 0]

    for _ in range(10):
        add()
    echoed = dict.fromkeys(peers, b"")
    for _ in range(2000):
        peer = chance.choice(peers)
        roll = chance.random()
        if roll < 0.6 and peer not in gone and not peer.link.paused:
            for _ in range(chance.randrange(60)):
                peer.send(text(f"<{sent[peer][0]}>"))
                sent[peer][0] += 1
            bench.turn()
        elif roll < 0.9 and peer not in gone:
            bench.reactor.resume(peer.link)
            echoed[peer] = echoed.get(peer, b"") + peer.read()
        elif roll < 0.92:
            add()
        bench.turn()
    for peer in peers:
        peer.on_message = lambda message, peer=peer: peer.link.send(Message(message)) and None
        if peer not in gone:
            bench.reactor.resume(peer.link)
    bench.settle(10_000)
    for peer in peers:
        assert peer.log == [f"<{number}>" for number in range(len(peer.log))]
        if peer in gone:
            continue
        assert len(peer.log) == sent[peer][0]
        while part := peer.read():
            echoed[peer] = echoed.get(peer, b"") + part
            bench.settle()
        frames = [f"4<{number}>".encode() for number in range(sent[peer][0])]
        assert echoed.get(peer, b"") == b"".join(bytes([0x81, len(f)]) + f for f in frames)
    assert len(gone) < len(peers)
