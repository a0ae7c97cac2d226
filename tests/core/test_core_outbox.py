"""The outbox: bounded, in order, and what each policy does when it is full."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support.native import ALL, connection

from trio_socketio._core import Connection, Message, OutboxPolicy, PushStatus

DROPPING = [OutboxPolicy.DROP_OLDEST, OutboxPolicy.LATEST_PER_EVENT]
REFUSING = [OutboxPolicy.DISCONNECT, OutboxPolicy.BLOCK]


def filled(policy: OutboxPolicy, *texts: str, max_packets: int = 3) -> Connection:
    conn = connection(policy=policy, max_packets=max_packets)
    for text in texts:
        assert conn.push(Message(text)) == PushStatus.OK
    return conn


def queued(conn: Connection) -> list[str]:
    return conn.take_payload(ALL).decode().split("\x1e")


@pytest.mark.parametrize("policy", OutboxPolicy)
def test_messages_leave_in_the_order_they_came(policy):
    assert queued(filled(policy, "a", "b", "c")) == ["4a", "4b", "4c"]


@pytest.mark.parametrize("policy", REFUSING)
def test_a_full_outbox_says_so_and_keeps_what_it_has(policy):
    conn = filled(policy, "a", "b", "c")
    assert not conn.has_room(1)
    assert conn.push(Message("d")) == PushStatus.FULL
    assert conn.dropped == 0
    assert queued(conn) == ["4a", "4b", "4c"]


@pytest.mark.parametrize("policy", REFUSING)
def test_bytes_are_limited_as_packets_are(policy):
    conn = connection(policy=policy, max_bytes=2 * len(Message("abc")))
    assert [conn.push(Message("abc")) for _ in range(3)] == [PushStatus.OK, PushStatus.OK, PushStatus.FULL]
    assert conn.queued_bytes == 2 * len(Message("abc"))


def test_what_is_in_flight_takes_up_room_until_it_is_written():
    conn = filled(OutboxPolicy.BLOCK, "a", "b", "c")
    conn.take(ALL)
    assert (conn.queued_packets, conn.queued_bytes) == (0, 0)
    assert conn.inflight_bytes == 3 * len(Message("a"))
    assert conn.push(Message("d")) == PushStatus.FULL
    conn.confirm()
    assert conn.inflight_bytes == 0
    assert conn.push(Message("d")) == PushStatus.OK


def test_a_message_larger_than_the_outbox_is_taken_when_it_is_empty():
    conn = connection(policy=OutboxPolicy.BLOCK, max_bytes=10)
    big = Message("x" * 100)
    assert conn.has_room(len(big))
    assert conn.push(big) == PushStatus.OK
    assert conn.push(Message("x")) == PushStatus.FULL
    conn.take(ALL)
    assert conn.push(big) == PushStatus.FULL
    conn.confirm()
    assert conn.push(big) == PushStatus.OK


@pytest.mark.parametrize(
    ("policy", "status", "left"),
    [
        (OutboxPolicy.DROP_NEWEST, PushStatus.DROPPED, ["4a", "4b", "4c"]),
        *((policy, PushStatus.OK, ["4b", "4c", "4d"]) for policy in DROPPING),
    ],
)
def test_the_newcomer_is_refused_or_the_oldest_goes(policy, status, left):
    conn = filled(policy, "a", "b", "c")
    assert conn.push(Message("d")) == status
    assert conn.dropped == 1
    assert queued(conn) == left


@pytest.mark.parametrize("policy", DROPPING)
def test_nothing_in_flight_is_dropped_and_nothing_in_vain(policy):
    conn = filled(policy, "a", "b", "c")
    conn.take(1)
    assert conn.push(Message("d")) == PushStatus.OK
    assert queued(conn) == ["4c", "4d"]
    assert conn.push(Message("e")) == PushStatus.DROPPED
    assert conn.dropped == 2


def test_the_latest_of_an_event_replaces_the_one_before_also_when_there_is_room():
    conn = connection(policy=OutboxPolicy.LATEST_PER_EVENT, max_packets=10)
    for text, key in (("x1", 1), ("y1", 2), ("free", 0), ("x2", 1), ("free", 0)):
        assert conn.push(Message(text, key=key)) == PushStatus.OK
    assert conn.dropped == 1
    assert queued(conn) == ["4y1", "4free", "4x2", "4free"]


@pytest.mark.parametrize("policy", OutboxPolicy)
def test_protected_messages_are_never_refused_or_dropped(policy):
    conn = filled(policy, "a", "b", "c")
    for number in range(4):
        assert conn.push(Message(f"p{number}"), protected=True) == PushStatus.OK
    conn.push(Message("d"))
    kept = queued(conn)
    assert [text for text in kept if text.startswith("4p")] == ["4p0", "4p1", "4p2", "4p3"]
    conn.close_outbox()
    assert conn.push(Message("e")) == PushStatus.DROPPED
    assert conn.push(Message("p4"), protected=True) == PushStatus.OK


@pytest.mark.rows("D2")
def test_a_header_and_its_attachments_are_dropped_together_and_taken_together():
    conn = connection(policy=OutboxPolicy.DROP_OLDEST, max_packets=2)
    for name in ("a", "b", "c"):
        conn.push(Message(name, [name.encode(), b"!"]))
    assert conn.dropped == 1
    assert conn.take(1) == b"\x81\x024b" + b"\x82\x01b" + b"\x82\x01!"
    assert conn.take_payload(1) == b"4c\x1ebYw==\x1ebIQ=="


def test_as_much_is_taken_as_was_asked_for_in_whole_messages():
    conn = filled(OutboxPolicy.BLOCK, "aaaa", "bbbb", "cccc")
    assert len(conn.take(1)) == len(Message("aaaa"))
    assert len(conn.take(len(Message("bbbb")) + 1)) == 2 * len(Message("bbbb"))
    assert conn.take(1) == b""


@pytest.mark.rows("C40")
def test_the_close_frame_follows_what_is_queued_and_nothing_follows_it():
    conn = filled(OutboxPolicy.BLOCK, "a", "b")
    conn.close(1001, "restart")
    assert conn.push(Message("late")) == PushStatus.DROPPED
    conn.close(1000, "too late")
    assert conn.take(1) == b"\x81\x024a"
    assert conn.take(1) == b"\x81\x024b\x88\x09\x03\xe9restart"
    assert not conn.has_output
    conn.push(Message("p"), protected=True)
    assert conn.take(ALL) == b""


@pytest.mark.rows("C40")
@pytest.mark.parametrize("code", [1000, 1001, 1002, 1007, 1008, 1009, 1011, 3000, 4999])
def test_a_close_frame_carries_its_code(code):
    conn = connection()
    conn.close(code)
    assert conn.take(1) == b"\x88\x02" + code.to_bytes(2, "big")


@pytest.mark.parametrize("code", [0, 1005])
def test_no_status_is_an_empty_close_frame(code):
    conn = connection()
    conn.close(code, "left out")
    assert conn.take(1) == b"\x88\x00"


@given(st.text(max_size=200))
def test_a_reason_is_cut_at_a_character(reason):
    conn = connection()
    conn.close(1000, reason)
    frame = conn.take(1)
    assert len(frame) == 2 + frame[1] <= 127
    kept = frame[4:].decode()
    assert reason.startswith(kept)
    assert kept == reason or len(frame) + len(reason[len(kept)].encode()) > 127


def test_a_connection_that_is_gone_lets_everything_go():
    conn = filled(OutboxPolicy.BLOCK, "a", "b")
    conn.take(1)
    conn.discard()
    assert (conn.queued_packets, conn.queued_bytes, conn.inflight_bytes) == (0, 0, 0)
    assert conn.confirmed == conn.pushed
    assert conn.take(ALL) == b""
    assert conn.push(Message("late")) == PushStatus.DROPPED


class OutboxAgainstAList(RuleBasedStateMachine):
    """Random pushes, takes and confirmations; the queue is compared with a list of (text, key, protected)."""

    def __init__(self):
        super().__init__()
        self.policy = OutboxPolicy.DISCONNECT
        self.conn = connection(max_packets=4, policy=self.policy)
        self.queue: list[tuple[str, int, bool]] = []
        self.flying = 0
        self.lost = 0
        self.serial = 0

    @precondition(lambda self: not self.conn.pushed)
    @rule(policy=st.sampled_from(OutboxPolicy))
    def choose(self, policy):
        self.policy = policy
        self.conn = connection(max_packets=4, policy=policy)

    def drop(self, index: int) -> None:
        del self.queue[index]
        self.lost += 1

    def full(self) -> bool:
        return len(self.queue) + self.flying >= 4

    def expected(self, key: int, protected: bool) -> PushStatus:
        if protected:
            return PushStatus.OK
        if self.policy in REFUSING:
            return PushStatus.FULL if self.full() else PushStatus.OK
        fixed = self.flying + sum(protected for *_, protected in self.queue)
        if fixed >= 4 or (self.full() and self.policy is OutboxPolicy.DROP_NEWEST):
            self.lost += 1
            return PushStatus.DROPPED
        if self.policy is OutboxPolicy.LATEST_PER_EVENT and key:
            for index in reversed(range(len(self.queue))):
                if self.queue[index][1:] == (key, False):
                    self.drop(index)
        while self.full():
            self.drop(next(i for i, (*_, protected) in enumerate(self.queue) if not protected))
        return PushStatus.OK

    @rule(key=st.integers(0, 2), protected=st.sampled_from([False, False, False, True]))
    def push(self, key, protected):
        self.serial += 1
        status = self.expected(key, protected)
        assert self.conn.push(Message(str(self.serial), key=key), protected=protected) == status
        if status is PushStatus.OK:
            self.queue.append((str(self.serial), key, protected))

    @rule(everything=st.booleans())
    def take(self, everything):
        count = len(self.queue) if everything else min(1, len(self.queue))
        expected = "\x1e".join(f"4{text}" for text, *_ in self.queue[:count])
        assert self.conn.take_payload(ALL if everything else 1).decode() == expected
        del self.queue[:count]
        self.flying += count

    @rule()
    def confirm(self):
        self.conn.confirm()
        self.flying = 0

    @invariant()
    def counts(self):
        assert self.conn.queued_packets == len(self.queue)
        assert self.conn.queued_bytes == sum(len(Message(text)) for text, *_ in self.queue)
        assert self.conn.dropped == self.lost
        if not self.queue and not self.flying:
            assert self.conn.confirmed == self.conn.pushed


TestOutboxAgainstAList = OutboxAgainstAList.TestCase
