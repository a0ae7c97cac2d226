"""The reactor over socket pairs: who is told what, how much at once, and who is served when one of them ends."""

from __future__ import annotations

import gc
import os
import socket
import struct
from collections.abc import Iterator

import pytest
from support.reactor import Bench, Peer, is_open, text
from support.wire import client_frame

from trio_socketio._core import CloseFrame, Failure, Message, Reactor

pytestmark = pytest.mark.skipif(Reactor is None, reason="the reactor is for Linux")

SMALL = 1  # the least that a socket's buffer can be


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


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
    peer.conn.open = False
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
    peer.conn.start_heartbeat(0.0, 25.0, 20.0)
    bench.wheel.expired(25.0, Message("", packet_type="2"))
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
        peer.conn.send(Message(str(number)))
    other.conn.send(Message("x"))
    assert bench.told == told + 1
    assert bench.reactor.has_dirty
    assert not bench.turn()
    assert peer.read() == b"\x81\x0240\x81\x0241\x81\x0242"
    assert other.read() == b"\x81\x024x"
    assert peer.log == []  # nobody watches
    peer.conn.send(Message("x"))
    assert bench.told == told + 2


def test_who_watches_is_told_when_it_is_written(bench: Bench):
    peer = bench.peer()
    peer.conn.watched = True
    peer.conn.send(Message("x"))
    bench.turn()
    assert peer.log == [("flushed", False)]


def test_an_answer_given_in_a_turn_goes_out_in_the_same_turn(bench: Bench):
    peer = bench.peer()
    peer.on_message = lambda message: peer.conn.send(Message(message))
    peer.send(text("a"), text("b"))
    assert not bench.turn()
    assert peer.read() == b"\x81\x024a\x81\x024b"


def test_a_client_that_reads_slowly_gets_every_byte_in_order(bench: Bench):
    peer = bench.peer(buffer=SMALL, max_bytes=1 << 30)
    expected = b""
    for number in range(200):
        peer.conn.send(Message(f"{number} " + "x" * (number * 37)))
    bench.settle()
    assert not peer.conn.is_writable
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
    assert peer.conn.is_writable


# pausing


def test_who_pauses_in_the_middle_of_its_input_gets_the_rest_when_it_resumes(bench: Bench):
    peer = bench.peer()

    def pause(message: str) -> None:
        peer.conn.paused = message in ("1", "3")

    peer.on_message = pause
    peer.send(*(text(str(number)) for number in range(6)))
    bench.settle()
    assert peer.log == ["0", "1"]
    peer.send(text("6"))
    assert bench.settle() < 5  # it does not spin
    assert not bench.is_ready()
    bench.reactor.resume(peer.conn)
    bench.settle()
    assert peer.log == ["0", "1", "2", "3"]
    bench.reactor.resume(peer.conn)
    bench.settle()
    assert peer.log == [str(number) for number in range(7)]


def test_who_is_paused_is_not_read_but_written_to(bench: Bench):
    peer = bench.peer()
    peer.conn.paused = True
    peer.send(text("a"))
    for _ in range(3):
        bench.settle()
    assert peer.log == []
    peer.conn.send(Message("x"))
    bench.settle()
    assert peer.read() == b"\x81\x024x"
    bench.reactor.resume(peer.conn)
    bench.settle()
    assert peer.log == ["a"]


def test_what_the_kernel_and_the_buffer_hold_does_not_change_while_others_are_read(bench: Bench):
    """What is left of a paused connection's input is its own, not the buffer that all share."""
    peer, others = bench.peer(), [bench.peer() for _ in range(5)]
    peer.on_message = lambda message: setattr(peer.conn, "paused", True)
    peer.send(*(text(f"mine {number}") for number in range(50)))
    bench.settle()
    for other in others:
        other.send(*(text("others") for _ in range(500)))
    bench.settle()
    for _ in range(49):
        bench.reactor.resume(peer.conn)
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


def test_a_turn_that_has_no_time_left_comes_again_and_forgets_nobody():
    bench = Bench(turn_seconds=0.0)
    peers = [bench.peer() for _ in range(20)]
    for peer in peers:
        peer.send(text("a"))
        peer.conn.send(Message("x"))
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


def test_what_stops_the_program_comes_through_and_the_others_are_served_later(bench: Bench):
    bad, good = bench.peer(), bench.peer()

    def stop(message: object) -> None:
        raise KeyboardInterrupt

    bad.on_message = stop
    for peer in (bad, good):
        peer.send(text("a"))
    with pytest.raises(KeyboardInterrupt):
        bench.settle()
    bench.reactor.remove(bad.conn)
    bench.settle()
    assert good.log == ["a"]


def test_a_descriptor_that_is_none_stays_the_callers(bench: Bench):
    peer = Peer(bench, None)
    with open(os.devnull, "rb") as file, pytest.raises(OSError, match="reactor"):
        bench.reactor.add(peer.conn, file.fileno())  # epoll takes no files
    assert len(bench.reactor) == 0


# the end


def test_what_is_in_the_reactor_stays_alive_until_it_is_removed(bench: Bench):
    peer = bench.peer()
    conn, fd = peer.conn, peer.fd
    peer.conn = None  # type: ignore[assignment]
    gc.collect()
    peer.send(text("a"))
    bench.turn()
    assert peer.log == ["a"]
    bench.reactor.remove(conn)
    assert not is_open(fd)
    assert peer.has_ended()
    bench.reactor.remove(conn)  # nothing happens
    conn.send(Message("x"))
    bench.turn()
    assert len(bench.reactor) == 0


def test_a_reactor_that_is_closed_closes_all_sockets_and_keeps_nothing():
    gc.collect()
    before = sorted(os.listdir("/proc/self/fd"))
    bench = Bench()
    peers = [bench.peer() for _ in range(100)]
    for peer in peers:
        peer.send(text("a"))
        peer.conn.send(Message("x"))
    bench.reactor.close()
    for peer in peers:
        assert not is_open(peer.fd)
        peer.conn.send(Message("y"))  # nobody takes it
    bench.reactor.close()
    bench.close()
    del bench, peers, peer
    gc.collect()
    assert sorted(os.listdir("/proc/self/fd")) == before
    assert not [thing for thing in gc.get_objects() if type(thing) is Peer]


def test_a_reactor_that_is_forgotten_while_nothing_is_in_it_keeps_no_descriptor():
    gc.collect()
    before = sorted(os.listdir("/proc/self/fd"))
    bench = Bench()
    peer = bench.peer()
    bench.reactor.remove(peer.conn)
    peer.client.close()
    del bench, peer
    gc.collect()
    assert sorted(os.listdir("/proc/self/fd")) == before
