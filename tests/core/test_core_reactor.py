"""The reactor over socket pairs: who is told what, what is written, and what stays at the end."""

from __future__ import annotations

import gc
import socket
import struct

import pytest
from support.descriptors import open_descriptors
from support.reactor import Bench, Peer, is_open, text
from support.wire import client_frame

from trio_socketio._core import CloseFrame, Failure, Message, Reactor, expire_timers

pytestmark = pytest.mark.skipif(Reactor is None, reason="the reactor is for Linux")

SMALL = 1  # the least that a socket's buffer can be


# what comes in


def test_messages_of_an_open_session_go_to_its_observer_and_the_rest_to_its_transport(bench: Bench):
    peer = bench.peer()
    peer.send(
        text("a"), client_frame(2, b"b"), client_frame(1, b"5"), text("c"), client_frame(8, b"\x03\xe8bye")
    )
    bench.turn()
    assert peer.log == ["a", b"b", ("receive", "5"), "c", ("receive", CloseFrame(1000, "bye"))]


def test_what_is_not_open_has_a_transport_only(bench: Bench):
    peer = bench.peer()
    peer.link.open = False
    peer.send(text("a"), client_frame(2, b"b"))
    bench.turn()
    assert peer.log == [("receive", "4a"), ("receive", b"b")]


def test_bytes_that_break_the_protocol_are_a_failure(bench: Bench):
    peer = bench.peer()
    peer.send(text("a"), client_frame(1, b"4x", key=None))
    bench.turn()
    assert peer.log[0] == "a"
    name, failure = peer.log[1]
    assert (name, failure.close_code) == ("receive", 1002)
    assert isinstance(failure, Failure)


def test_messages_come_whole_however_their_bytes_come(bench: Bench):
    peer = bench.peer()
    for byte in text("one") + client_frame(2, b"x" * 300) + text("two"):
        peer.send(bytes([byte]))
        bench.turn()
    assert peer.log == ["one", b"x" * 300, "two"]


def test_a_message_larger_than_what_is_read_at_once(bench: Bench):
    peer = bench.tcp_peer()
    data = client_frame(2, b"x" * 300_000)
    while data:
        data = data[peer.client.send(data) :]
        bench.settle()
    for _ in range(50):
        bench.settle()
    assert peer.log == [b"x" * 300_000]


def test_pings_are_answered_and_heartbeats_counted_without_a_word(bench: Bench):
    peer = bench.peer()
    peer.link.start_heartbeat(0.0, 25.0, 20.0)
    expire_timers(bench.wheel, 25.0, Message("", packet_type="2"))
    peer.send(client_frame(9, b"hi"), client_frame(1, b"3"))
    bench.turn(30.0)
    assert peer.read() == b"\x8a\x02hi\x81\x012"
    assert bench.wheel.next_deadline() == 55.0
    assert peer.log == []


def test_the_end_and_a_reset_are_told_apart(bench: Bench):
    ending, reset = bench.peer(), bench.tcp_peer()
    ending.client.shutdown(socket.SHUT_WR)
    reset.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    reset.client.close()
    bench.turn()
    assert ending.log == [("ended", None)]
    assert [name for name, _ in reset.log] == ["broken"]


# what goes out


def test_what_is_queued_is_written_with_the_next_turn_and_told_once(bench: Bench):
    peer, other = bench.peer(), bench.peer()
    bench.turn()
    told = bench.told
    for number in range(3):
        peer.link.send(Message(str(number)))
    other.link.send(Message("x"))
    assert bench.told == told + 1
    assert bench.reactor.has_dirty
    assert not bench.turn()
    assert peer.read() == b"\x81\x0240\x81\x0241\x81\x0242"
    assert other.read() == b"\x81\x024x"
    assert peer.log == []  # no observer is set
    peer.link.send(Message("x"))
    assert bench.told == told + 2


def test_who_watches_is_told_when_it_is_written(bench: Bench):
    peer = bench.peer()
    peer.link.watched = True
    peer.link.send(Message("x"))
    bench.turn()
    assert peer.log == [("flushed", False)]


def test_an_answer_given_in_a_turn_goes_out_in_the_same_turn(bench: Bench):
    peer = bench.peer()
    peer.on_message = lambda message: peer.link.send(Message(message))
    peer.send(text("a"), text("b"))
    assert not bench.turn()
    assert peer.read() == b"\x81\x024a\x81\x024b"


def test_a_client_that_reads_slowly_gets_every_byte_in_order(bench: Bench):
    peer = bench.peer(buffer=SMALL, max_bytes=1 << 30)
    expected = b""
    for number in range(200):
        peer.link.send(Message(f"{number} " + "x" * (number * 37)))
    bench.settle()
    assert not peer.link.is_writable
    assert not bench.reactor.has_dirty  # it is waited for, not asked again and again
    received = b""
    while part := peer.read():
        received += part
        bench.settle()
    at = 0
    for number in range(200):
        expected = f"4{number} ".encode() + b"x" * (number * 37)
        at = received.index(expected, at) + len(expected)
    assert at == len(received)
    assert peer.link.is_writable


# the end


def test_what_is_in_the_reactor_stays_alive_until_it_is_removed(bench: Bench):
    peer = bench.peer()
    link, fd = peer.link, peer.fd
    peer.link = None  # type: ignore[assignment]
    gc.collect()
    peer.send(text("a"))
    bench.turn()
    assert peer.log == ["a"]
    bench.reactor.remove(link)
    assert not is_open(fd)
    assert peer.has_ended()
    bench.reactor.remove(link)  # nothing happens
    link.send(Message("x"))
    bench.turn()
    assert len(bench.reactor) == 0


def test_a_reactor_that_is_closed_closes_all_sockets_and_keeps_nothing():
    before = open_descriptors()
    bench = Bench()
    peers = [bench.peer() for _ in range(100)]
    for peer in peers:
        peer.send(text("a"))
        peer.link.send(Message("x"))
    bench.reactor.close()
    for peer in peers:
        assert not is_open(peer.fd)
        peer.link.send(Message("y"))  # the peer does not read it
    bench.reactor.close()
    bench.close()
    del bench, peers, peer
    assert open_descriptors() == before
    assert not [thing for thing in gc.get_objects() if type(thing) is Peer]


def test_a_reactor_that_is_forgotten_while_nothing_is_in_it_keeps_no_descriptor():
    before = open_descriptors()
    bench = Bench()
    peer = bench.peer()
    bench.reactor.remove(peer.link)
    peer.client.close()
    del bench, peer
    assert open_descriptors() == before
