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
    link = connection(policy=policy, max_packets=max_packets)
    for text in texts:
        assert link.push(Message(text)) == PushStatus.OK
    return link


def queued(link: Connection) -> list[str]:
    return link.take_payload(ALL).decode().split("\x1e")


@pytest.mark.parametrize("policy", OutboxPolicy)
def test_messages_leave_in_the_order_they_came(policy):
    assert queued(filled(policy, "a", "b", "c")) == ["4a", "4b", "4c"]


@pytest.mark.parametrize("policy", REFUSING)
def test_a_full_outbox_says_so_and_keeps_what_it_has(policy):
    link = filled(policy, "a", "b", "c")
    assert link.push(Message("d")) == PushStatus.FULL
    assert link.dropped == 0
    assert queued(link) == ["4a", "4b", "4c"]


@pytest.mark.parametrize("policy", REFUSING)
def test_bytes_are_limited_as_packets_are(policy):
    link = connection(policy=policy, max_bytes=2 * len(Message("abc")))
    assert [link.push(Message("abc")) for _ in range(3)] == [PushStatus.OK, PushStatus.OK, PushStatus.FULL]
    assert link.queued_bytes == 2 * len(Message("abc"))


def test_what_is_in_flight_takes_up_room_until_it_is_written():
    link = filled(OutboxPolicy.BLOCK, "a", "b", "c")
    link.take(ALL)
    assert (link.queued_packets, link.queued_bytes) == (0, 0)
    assert link.inflight_bytes == 3 * len(Message("a"))
    assert link.push(Message("d")) == PushStatus.FULL
    link.confirm()
    assert link.inflight_bytes == 0
    assert link.push(Message("d")) == PushStatus.OK


def test_a_message_larger_than_the_outbox_is_taken_when_it_is_empty():
    link = connection(policy=OutboxPolicy.BLOCK, max_bytes=10)
    big = Message("x" * 100)
    assert link.push(big) == PushStatus.OK
    assert link.push(Message("x")) == PushStatus.FULL
    link.take(ALL)
    assert link.push(big) == PushStatus.FULL
    link.confirm()
    assert link.push(big) == PushStatus.OK


@pytest.mark.parametrize(
    ("policy", "status", "left"),
    [
        (OutboxPolicy.DROP_NEWEST, PushStatus.DROPPED, ["4a", "4b", "4c"]),
        *((policy, PushStatus.OK, ["4b", "4c", "4d"]) for policy in DROPPING),
    ],
)
def test_the_newcomer_is_refused_or_the_oldest_goes(policy, status, left):
    link = filled(policy, "a", "b", "c")
    assert link.push(Message("d")) == status
    assert link.dropped == 1
    assert queued(link) == left


@pytest.mark.parametrize("policy", DROPPING)
def test_nothing_in_flight_is_dropped_and_nothing_in_vain(policy):
    link = filled(policy, "a", "b", "c")
    link.take(1)
    assert link.push(Message("d")) == PushStatus.OK
    assert queued(link) == ["4c", "4d"]
    assert link.push(Message("e")) == PushStatus.DROPPED
    assert link.dropped == 2


def test_the_latest_of_an_event_replaces_the_one_before_also_when_there_is_room():
    link = connection(policy=OutboxPolicy.LATEST_PER_EVENT, max_packets=10)
    for text, key in (("x1", 1), ("y1", 2), ("free", 0), ("x2", 1), ("free", 0)):
        assert link.push(Message(text, key=key)) == PushStatus.OK
    assert link.dropped == 1
    assert queued(link) == ["4y1", "4free", "4x2", "4free"]


@pytest.mark.parametrize("policy", OutboxPolicy)
def test_protected_messages_are_never_refused_or_dropped(policy):
    link = filled(policy, "a", "b", "c")
    for number in range(4):
        assert link.push(Message(f"p{number}"), protected=True) == PushStatus.OK
    link.push(Message("d"))
    kept = queued(link)
    assert [text for text in kept if text.startswith("4p")] == ["4p0", "4p1", "4p2", "4p3"]
    link.close_outbox()
    assert link.push(Message("e")) == PushStatus.DROPPED
    assert link.push(Message("p4"), protected=True) == PushStatus.OK


@pytest.mark.rows("D2")
def test_a_header_and_its_attachments_are_dropped_together_and_taken_together():
    link = connection(policy=OutboxPolicy.DROP_OLDEST, max_packets=2)
    for name in ("a", "b", "c"):
        link.push(Message(name, [name.encode(), b"!"]))
    assert link.dropped == 1
    assert link.take(1) == b"\x81\x024b" + b"\x82\x01b" + b"\x82\x01!"
    assert link.take_payload(1) == b"4c\x1ebYw==\x1ebIQ=="


def test_as_much_is_taken_as_was_asked_for_in_whole_messages():
    link = filled(OutboxPolicy.BLOCK, "aaaa", "bbbb", "cccc")
    assert len(link.take(1)) == len(Message("aaaa"))
    assert len(link.take(len(Message("bbbb")) + 1)) == 2 * len(Message("bbbb"))
    assert link.take(1) == b""


@pytest.mark.rows("C40")
def test_the_close_frame_follows_what_is_queued_and_nothing_follows_it():
    link = filled(OutboxPolicy.BLOCK, "a", "b")
    link.close(1001, "restart")
    assert link.push(Message("late")) == PushStatus.DROPPED
    link.close(1000, "too late")
    assert link.take(1) == b"\x81\x024a"
    assert link.take(1) == b"\x81\x024b\x88\x09\x03\xe9restart"
    assert not link.has_output
    link.push(Message("p"), protected=True)
    assert link.take(ALL) == b""


@pytest.mark.rows("C40")
@pytest.mark.parametrize("code", [1000, 1001, 1002, 1007, 1008, 1009, 1011, 3000, 4999])
def test_a_close_frame_carries_its_code(code):
    link = connection()
    link.close(code)
    assert link.take(1) == b"\x88\x02" + code.to_bytes(2, "big")


@pytest.mark.parametrize("code", [0, 1005])
def test_no_status_is_an_empty_close_frame(code):
    link = connection()
    link.close(code, "left out")
    assert link.take(1) == b"\x88\x00"


@given(st.text(max_size=200))
def test_a_reason_is_cut_at_a_character(reason):
    link = connection()
    link.close(1000, reason)
    frame = link.take(1)
    assert len(frame) == 2 + frame[1] <= 127
    kept = frame[4:].decode()
    assert reason.startswith(kept)
    assert kept == reason or len(frame) + len(reason[len(kept)].encode()) > 127


def test_a_connection_that_is_gone_lets_everything_go():
    link = filled(OutboxPolicy.BLOCK, "a", "b")
    link.take(1)
    link.discard()
    assert (link.queued_packets, link.queued_bytes, link.inflight_bytes) == (0, 0, 0)
    assert link.confirmed == link.pushed
    assert link.take(ALL) == b""
    assert link.push(Message("late")) == PushStatus.DROPPED


class OutboxAgainstAList(RuleBasedStateMachine):
    """Random pushes, takes and confirmations; the queue is compared with a list of (text, key, protected)."""

    def __init__(self):
        super().__init__()
        self.policy = OutboxPolicy.DISCONNECT
        self.link = connection(max_packets=4, policy=self.policy)
        self.queue: list[tuple[str, int, bool]] = []
        self.flying = 0
        self.lost = 0
        self.serial = 0

    @precondition(lambda self: not self.link.pushed)
    @rule(policy=st.sampled_from(OutboxPolicy))
    def choose(self, policy):
        self.policy = policy
        self.link = connection(max_packets=4, policy=policy)

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
        assert self.link.push(Message(str(self.serial), key=key), protected=protected) == status
        if status is PushStatus.OK:
            self.queue.append((str(self.serial), key, protected))

    @rule(everything=st.booleans())
    def take(self, everything):
        count = len(self.queue) if everything else min(1, len(self.queue))
        expected = "\x1e".join(f"4{text}" for text, *_ in self.queue[:count])
        assert self.link.take_payload(ALL if everything else 1).decode() == expected
        del self.queue[:count]
        self.flying += count

    @rule()
    def confirm(self):
        self.link.confirm()
        self.flying = 0

    @invariant()
    def counts(self):
        assert self.link.queued_packets == len(self.queue)
        assert self.link.queued_bytes == sum(len(Message(text)) for text, *_ in self.queue)
        assert self.link.dropped == self.lost
        if not self.queue and not self.flying:
            assert self.link.confirmed == self.link.pushed


TestOutboxAgainstAList = OutboxAgainstAList.TestCase
