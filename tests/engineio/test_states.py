"""The state tables: every event in every state, and events that do nothing in a state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.engine import Bench
from support.message_host import MessageHost

from trio_socketio._core import CloseFrame, Failure, Message
from trio_socketio.engineio import (
    PROBE_TRANSITIONS,
    TRANSITIONS,
    Candidate,
    EngineRequest,
    Event,
    PollingTransport,
    Probe,
    Session,
    State,
    parse_packet,
)
from trio_socketio.errors import DisconnectReason

CLOSE = DisconnectReason.FORCED_SERVER_CLOSE


class Case:
    """A session on polling, brought into a state by what brings it there in life."""

    def __init__(self, state: State, *, upgrading: bool = False) -> None:
        self.bench = Bench()
        self.host: MessageHost | None = None
        if state is State.OPENING:
            request = EngineRequest("GET", "/?EIO=4&transport=polling", {})
            self.session = Session(
                self.bench.engine.context, "new", request, self.bench.engine.new_connection(request)
            )
            self.session.observer = self.bench._connect(self.session)
        else:
            self.session = self.bench.polling().session
        if state is State.UPGRADING or upgrading:
            self.host = self.bench.websocket(self.session.sid)
        if state is State.CLOSING:
            self.session.close(CLOSE, now=0.0, linger=True)
        elif state is State.CLOSED:
            self.session.end()
        assert self.session.state is state

    def keep_open(self) -> None:
        """Let the WebSocket's end be the client's: what closes in good order takes its time."""
        if self.host is not None:
            self.host.close = lambda: None  # type: ignore[method-assign]

    @property
    def candidate(self) -> Candidate:
        assert self.host is not None
        assert isinstance(self.host.receiver, Candidate)
        return self.host.receiver


def _open(case: Case) -> None:
    case.session.open(PollingTransport(case.session), Message("{}", packet_type="0"), 0.0)


def _attach(case: Case) -> object:
    return case.bench.engine.begin_upgrade(case.session, MessageHost(), 0.0, case.session.request)


ACTIONS: dict[Event, Callable[[Case], object]] = {
    Event.OPENED: _open,
    Event.CANDIDATE: _attach,
    Event.UPGRADED: lambda case: case.candidate.receive("5", 0.0),
    Event.CANDIDATE_LOST: lambda case: case.candidate.lost(DisconnectReason.TRANSPORT_CLOSE, "gone"),
    Event.CLOSE: lambda case: case.session.close(CLOSE, now=0.0, linger=True),
    Event.END: lambda case: case.session.end(),
}


@pytest.mark.parametrize(
    ("state", "event"), [(state, event) for state, events in TRANSITIONS.items() for event in events]
)
def test_every_transition_of_a_session(state: State, event: Event) -> None:
    case = Case(state, upgrading=event in (Event.UPGRADED, Event.CANDIDATE_LOST))
    case.keep_open()
    ACTIONS[event](case)
    assert case.session.state is TRANSITIONS[state][event]


@pytest.mark.parametrize("state", [state for state in State if Event.OPENED not in TRANSITIONS[state]])
def test_session_is_opened_once(state: State) -> None:
    with pytest.raises(KeyError):
        _open(Case(state))


@pytest.mark.parametrize("state", [state for state in State if Event.CANDIDATE not in TRANSITIONS[state]])
def test_candidate_is_refused_in_states_without_upgrade(state: State) -> None:
    case = Case(state)
    assert _attach(case) is None
    assert case.session.state is state


@pytest.mark.parametrize("state", [State.OPENING, State.CLOSING, State.CLOSED])
def test_close_and_fail_do_nothing_unless_open(state: State) -> None:
    case = Case(state)
    case.session.close(CLOSE, now=0.0)
    case.session.fail(CLOSE, "again")
    assert case.session.state is state


def test_end_and_lost_do_nothing_after_the_end() -> None:
    case = Case(State.CLOSED)
    case.session.end()
    case.session.lost(CLOSE, "again")
    assert case.session.state is State.CLOSED
    assert (
        case.bench.above[case.session.sid].ended == []
    )  # ``end`` alone reports nothing, and ``lost`` came too late


@pytest.mark.parametrize("how", ["failed", "closed by the client"])
def test_candidate_is_closed_with_its_session(how: str) -> None:
    case = Case(State.UPGRADING)
    candidate = case.candidate
    if how == "failed":
        case.session.fail(CLOSE, "failed")
    else:
        case.session.receive("1", 0.0)
    assert case.session.state is State.CLOSED
    assert case.session.candidate is None
    assert case.host is not None
    assert case.host.ended
    for packet in ("2probe", "5"):
        candidate.receive(packet, 0.0)
    assert case.session.state is State.CLOSED
    assert case.session.transport.name == "polling"


@pytest.mark.parametrize("state", [State.OPENING, State.CLOSING, State.CLOSED])
def test_nothing_is_received_or_sent_unless_open(state: State) -> None:
    case = Case(state)
    case.session.receive("4hello", 0.0)
    case.session.receive("1", 0.0)
    case.bench.send(case.session, "hello")
    assert case.session.state is state
    assert case.bench.above[case.session.sid].messages == []
    assert case.session.link.queued_packets == 0


# the probe

PACKETS: list[Any] = ["2probe", "5", "3probe", "2", "3", "5probe", "4hello", "1", "6", "", b"", b"5",
                      CloseFrame(1000, ""), Failure("broken", 1002)]  # fmt: skip


def _candidate(probe: Probe) -> tuple[Bench, Candidate, MessageHost]:
    bench = Bench()
    session = bench.polling().session
    host = bench.websocket(session.sid)
    candidate = host.receiver
    assert isinstance(candidate, Candidate)
    if probe is Probe.PROBED:
        candidate.receive("2probe", 0.0)
    elif probe is Probe.UPGRADED:
        candidate.receive("5", 0.0)
    elif probe is Probe.FAILED:
        candidate.fail("by the test")
    assert candidate._probe is probe
    return bench, candidate, host


@pytest.mark.rows("C13")
@pytest.mark.parametrize("packet", PACKETS)
@pytest.mark.parametrize("probe", Probe)
def test_every_packet_in_every_state_of_the_probe(probe: Probe, packet: Any) -> None:
    bench, candidate, host = _candidate(probe)
    session = candidate.session
    before = session.state, session.transport.name
    candidate.receive(packet, 0.0)
    expected = PROBE_TRANSITIONS[probe].get(parse_packet(packet, 4)) if isinstance(packet, str) else None  # type: ignore[arg-type]
    if expected is Probe.UPGRADED:
        assert (session.state, session.transport) == (State.OPEN, host)
    elif expected is Probe.PROBED:
        assert session.state is State.UPGRADING
        assert host.sent == ["3probe"]
    elif probe in (Probe.ATTACHED, Probe.PROBED):
        expected = Probe.FAILED
        assert (session.state, session.transport.name) == (State.OPEN, "polling")
        assert host.ended
    else:
        expected = probe
        assert (session.state, session.transport.name) == before
    assert candidate._probe is expected
    assert session.is_open
    assert bench.above[session.sid].ended == []
