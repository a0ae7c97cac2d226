"""The heartbeat and the deadlines of connections in one wheel; times are values."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.native import ALL, connection, events
from support.wire import client_frame

from trio_socketio._core import Connection, Dialect, Message, TimerEvent, TimerWheel, expire_timers

INTERVAL, TIMEOUT = 25.0, 20.0
PING = Message("", packet_type="2")
PONG = client_frame(1, b"3")


def beating(
    start: float = 0.0, interval: float = INTERVAL, timeout: float = TIMEOUT
) -> tuple[TimerWheel, Connection]:
    wheel = TimerWheel(start)
    link = connection(wheel)
    link.open = True
    link.start_heartbeat(start, interval, timeout)
    return wheel, link


def due(wheel: TimerWheel, now: float) -> list[TimerEvent]:
    return [event for _, event in expire_timers(wheel, now, PING)]


def pings(link: Connection) -> int:
    """How many have been queued since this was last asked."""
    sent = link.take(ALL)
    link.confirm()
    assert sent == b"\x81\x012" * (len(sent) // 3)
    return len(sent) // 3


def test_a_ping_is_queued_after_the_interval_and_not_before():
    wheel, link = beating(100.0)
    assert wheel.next_deadline() == 125.0
    assert due(wheel, 124.999) == []
    assert pings(link) == 0
    assert due(wheel, 125.0) == []
    assert pings(link) == 1


class Sender:
    """A transport that counts how often it was woken."""

    def __init__(self) -> None:
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1


def test_a_ping_wakes_who_sends_it():
    wheel, link = beating()
    link.transport = Sender()
    due(wheel, 25.0)
    assert link.transport.woken == 1


def test_a_connection_that_closes_is_not_pinged_but_still_times_out():
    wheel, link = beating()
    link.open = False
    assert due(wheel, 25.0) == []
    assert pings(link) == 0
    assert due(wheel, 45.0) == [TimerEvent.PING_TIMEOUT]


def test_a_ping_is_queued_also_when_the_outbox_is_full():
    wheel, link = beating()
    link.send(Message("x" * (1 << 20)))
    assert due(wheel, 25.0) == [TimerEvent.PING_BEHIND]
    assert link.queued_packets == 2


def test_without_an_answer_the_ping_times_out_once():
    wheel, link = beating()
    assert due(wheel, 25.0) == []
    assert pings(link) == 1
    assert wheel.next_deadline() == 45.0
    assert due(wheel, 44.999) == []
    assert due(wheel, 45.0) == [TimerEvent.PING_TIMEOUT]
    assert link.is_overdue
    assert due(wheel, 1000.0) == []
    link.stop_heartbeat()
    assert not link.is_overdue
    assert wheel.next_deadline() == math.inf


@pytest.mark.parametrize("polling", [False, True])
def test_the_next_interval_begins_at_the_answer(polling):
    wheel, link = beating()
    due(wheel, 25.0)
    assert pings(link) == 1
    if polling:
        link.pong(31.5)
    else:
        link.feed(PONG)
        assert list(events(link, 31.5)) == []
    assert due(wheel, 56.4) == []
    assert pings(link) == 0
    assert due(wheel, 56.5) == []
    assert pings(link) == 1


def test_an_answer_nobody_asked_for_changes_nothing_and_is_no_message():
    wheel, link = beating()
    link.feed(PONG * 5000)
    assert list(events(link, 10.0)) == []
    link.pong(10.0)
    assert len(wheel) == 1
    assert wheel.next_deadline() == 25.0
    assert due(wheel, 25.0) == []
    assert pings(link) == 1


def test_without_a_heartbeat_a_three_is_an_ordinary_message():
    link = connection()
    link.feed(PONG)
    assert list(events(link)) == ["3"]


@pytest.mark.parametrize("frame", [client_frame(2, b"3"), client_frame(1, b"3x")])
def test_only_a_text_message_three_is_the_answer(frame):
    wheel, link = beating()
    due(wheel, 25.0)
    link.feed(frame)
    assert len(list(events(link, 30.0))) == 1
    assert pings(link) == 1
    assert due(wheel, 50.0) == [TimerEvent.PING_TIMEOUT]


@pytest.mark.rows("C22", "P11")
@pytest.mark.parametrize("polling", [False, True])
def test_each_message_starts_the_wait_for_an_answer_anew(polling):
    def hear(now: float) -> None:
        if polling:
            link.heard(now)
        else:
            link.feed(client_frame(1, b"4x"))
            assert list(events(link, now)) == ["4x"]

    wheel, link = beating()
    hear(10.0)  # nothing is due
    due(wheel, 25.0)
    assert pings(link) == 1
    for now in (40.0, 55.0, 70.0, 85.0):
        assert due(wheel, now) == []
        hear(now)
    assert pings(link) == 2  # others, or the client would see none for too long
    assert due(wheel, 104.9) == []
    assert due(wheel, 105.0) == [TimerEvent.PING_TIMEOUT]


@pytest.mark.rows("B11", "P11")
@pytest.mark.parametrize("polling", [False, True])
def test_kilobyte_of_an_unfinished_message_starts_the_wait_anew(polling):
    def receive(size: int, now: float) -> None:
        if polling:
            link.received(size, now)
        else:
            link.feed(client_frame(1 if receive.first else 0, b"4" * size, fin=False))
            receive.first = False
            assert list(events(link, now)) == []

    receive.first = True
    wheel, link = beating()
    due(wheel, 25.0)
    pings(link)
    receive(1000, 30.0)
    receive(24, 40.0)
    assert due(wheel, 59.9) == []
    receive(1023, 59.9)
    assert due(wheel, 60.0) == [TimerEvent.PING_TIMEOUT]
    assert link.is_overdue
    receive(1, 60.0)
    assert not link.is_overdue


# revision 3


def awaiting(start: float = 0.0) -> tuple[TimerWheel, Connection]:
    wheel = TimerWheel(start)
    link = connection(wheel, dialect=Dialect(3))
    link.open = True
    link.start_heartbeat(start, INTERVAL, TIMEOUT)
    return wheel, link


@pytest.mark.rows("C21")
def test_in_revision_3_the_client_pings_and_has_the_interval_and_the_timeout_to_do_so():
    wheel, link = awaiting(100.0)
    for now in (144.0, 150.0, 194.9):
        assert due(wheel, now) == []
        link.pinged(now)
    assert pings(link) == 0
    link.heard(200.0)  # a message counts as well
    assert due(wheel, 244.9) == []
    assert due(wheel, 245.0) == [TimerEvent.PING_TIMEOUT]
    assert wheel.next_deadline() == math.inf


@pytest.mark.rows("C21")
def test_in_revision_3_heartbeats_are_messages_for_the_layer_above():
    wheel, link = awaiting()
    link.feed(PONG + client_frame(1, b"2"))
    assert list(events(link, 10.0)) == ["3", "2"]
    assert due(wheel, 55.0) == [TimerEvent.PING_TIMEOUT]


def test_in_revision_3_the_clock_stands_still_while_we_do_not_read():
    wheel, link = awaiting()
    link.suspend_heartbeat()
    link.pinged(20.0)
    assert wheel.next_deadline() == math.inf
    link.resume_heartbeat(30.0)
    assert wheel.next_deadline() == 75.0


def test_an_answer_may_come_between_a_header_and_its_attachment():
    wheel, link = beating()
    due(wheel, 25.0)
    link.feed(client_frame(1, b'451-["a",...]') + PONG + client_frame(2, b"x"))
    assert list(events(link, 30.0)) == ['451-["a",...]', b"x"]
    assert wheel.next_deadline() == 55.0


@pytest.mark.rows("P2")
def test_pings_go_on_while_suspended_and_the_deadline_starts_anew():
    wheel, link = beating()
    due(wheel, 25.0)
    link.suspend_heartbeat()
    for ping in (45.0, 65.0, 85.0, 105.0):
        assert wheel.next_deadline() == ping
        assert due(wheel, ping) == []
    assert pings(link) == 5
    link.resume_heartbeat(110.0)
    assert due(wheel, 129.9) == []
    assert due(wheel, 130.0) == [TimerEvent.PING_TIMEOUT]


@pytest.mark.rows("P2")
def test_pausing_between_pings_changes_nothing():
    wheel, link = beating()
    link.suspend_heartbeat()
    link.resume_heartbeat(10.0)
    assert due(wheel, 24.9) == []
    assert pings(link) == 0
    assert due(wheel, 25.0) == []
    assert pings(link) == 1


@pytest.mark.rows("P2")
def test_pings_into_a_full_outbox_are_not_repeated():
    wheel, link = beating()
    link.suspend_heartbeat()
    link.send(Message("x" * (1 << 20)))
    due(wheel, 25.0)
    assert link.queued_packets == 2
    for now in range(45, 1000, 20):
        due(wheel, float(now))
    assert link.queued_packets == 2


def test_a_deadline_and_the_heartbeat_share_one_place_in_the_wheel():
    wheel, link = beating()
    link.set_deadline(7.0)
    assert len(wheel) == 1
    assert wheel.next_deadline() == 7.0
    assert due(wheel, 7.0) == [TimerEvent.DEADLINE]
    assert wheel.next_deadline() == 25.0
    link.set_deadline(25.0)
    assert due(wheel, 25.0) == [TimerEvent.DEADLINE]
    assert pings(link) == 1


def test_a_deadline_can_be_put_off_brought_forward_and_taken_away():
    wheel = TimerWheel(0.0)
    link = connection(wheel)
    for deadline in (50.0, 90.0, 20.0):
        link.set_deadline(deadline)
        assert wheel.next_deadline() == deadline
    link.set_deadline(math.inf)
    assert (len(wheel), wheel.next_deadline()) == (0, math.inf)


def test_a_late_server_expires_everything_at_once_however_late_it_is():
    wheel = TimerWheel(0.0)
    links = [connection(wheel) for _ in range(50)]
    for number, link in enumerate(links):
        link.set_deadline(1.0 + number * 100.0)
    assert {link for link, _ in expire_timers(wheel, 1e9, PING)} == set(links)
    assert len(wheel) == 0


def test_a_detached_connection_never_expires():
    wheel, link = beating()
    link.set_deadline(5.0)
    link.detach()
    assert len(wheel) == 0
    assert due(wheel, 1000.0) == []


def test_no_number_is_no_deadline():
    wheel = TimerWheel(0.0)
    link = connection(wheel)
    link.set_deadline(math.nan)
    assert due(wheel, 1000.0) == []


# A task that sleeps until next_deadline() is woken when that becomes earlier


def woken(wheel: TimerWheel) -> list[bool]:
    calls: list[bool] = []
    wheel.on_earlier = lambda: calls.append(True)
    return calls


def test_the_sleeper_is_woken_by_an_earlier_deadline_only():
    wheel = TimerWheel(0.0)
    first, second = connection(wheel), connection(wheel)
    first.set_deadline(50.0)
    wheel.next_deadline()
    calls = woken(wheel)
    second.set_deadline(60.0)
    assert calls == []
    second.set_deadline(40.0)
    assert calls == [True]
    first.start_heartbeat(0.0, 10.0, 20.0)
    assert calls == [True, True]


@pytest.mark.parametrize("polling", [False, True])
def test_the_sleeper_is_woken_by_an_answer_when_the_interval_is_the_shorter_time(polling):
    wheel, link = beating(0.0, 1.0, 60.0)
    assert due(wheel, 1.0) == []
    assert wheel.next_deadline() == 61.0
    calls = woken(wheel)
    if polling:
        link.pong(1.5)
    else:
        link.feed(PONG)
        assert list(events(link, 1.5)) == []
    assert calls == [True]
    assert wheel.next_deadline() == 2.5


@given(
    st.lists(st.floats(0, 5000) | st.just(math.inf), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
)
def test_sleeping_until_the_next_deadline_finds_every_deadline_on_time(deadlines, order: random.Random):
    """As the server does it; deadlines are changed on the way."""
    wheel = TimerWheel(0.0)
    wanted = {connection(wheel): deadline for deadline in deadlines}
    for link, deadline in wanted.items():
        link.set_deadline(deadline)
    while (now := wheel.next_deadline()) < math.inf:
        assert now == min(wanted.values())
        expired = expire_timers(wheel, now, PING)
        assert {link for link, _ in expired} == {c for c, deadline in wanted.items() if deadline == now}
        for link, event in expired:
            assert event is TimerEvent.DEADLINE
            wanted[link] = math.inf
        moved = order.choice(list(wanted))
        if wanted[moved] < math.inf:
            wanted[moved] = order.choice([math.inf, now + 3.0, wanted[moved] + 700.0])
            moved.set_deadline(wanted[moved])
            wheel.next_deadline()
            if order.random() < 0.1:
                wanted[moved] = math.inf
                moved.detach()
    assert set(wanted.values()) == {math.inf}
    assert len(wheel) == 0
