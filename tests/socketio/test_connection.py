"""The connection of one client: the meaning of each packet, and the deadlines."""

from __future__ import annotations

import math

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from trio_socketio.errors import RemoteProtocolError
from trio_socketio.socketio import (
    AckReceived,
    ConnectionOptions,
    ConnectReceived,
    DisconnectReceived,
    EventReceived,
    SocketIOConnection,
)

HEADER = '51-["a",{"_placeholder":true,"num":0}]'


def fresh(now: float = 0.0) -> SocketIOConnection[str]:
    return SocketIOConnection(
        ConnectionOptions(connect_timeout=45.0, attachment_timeout=10.0, max_attachments=10, max_bytes=1000),
        now,
    )


def receive(connection: SocketIOConnection[str], message: str | bytes, now: float = 0.0) -> object:
    """Text comes as UTF-8, an attachment as it is."""
    if isinstance(message, str):
        return connection.receive_text(message.encode(), now)
    return connection.receive_binary(message, now)


def joined(*namespaces: str) -> SocketIOConnection[str]:
    connection = fresh()
    for namespace in namespaces or ("/",):
        receive(connection, f"0{namespace},", 0.0)
        connection.accepted(namespace, f"in {namespace}")
    return connection


def test_a_connect_carries_the_auth_object_or_none():
    assert receive(fresh(), "0", 0.0) == ConnectReceived("/", {})
    assert receive(fresh(), '0{"token":"x"}', 0.0) == ConnectReceived("/", {"token": "x"})
    assert receive(fresh(), '0/admin,{"token":"x"}', 0.0) == ConnectReceived("/admin", {"token": "x"})


@pytest.mark.parametrize("payload", ["null", "[]", '"x"', "true", "{", "{}x"])
def test_a_connect_carries_nothing_else(payload):
    with pytest.raises(RemoteProtocolError):
        receive(fresh(), "0" + payload, 0.0)


@pytest.mark.parametrize("payload", ["null", "{}", "[]", '"x"'])
def test_a_disconnect_carries_nothing(payload):
    with pytest.raises(RemoteProtocolError):
        receive(joined(), "1" + payload, 0.0)


def test_a_namespace_that_is_joined_takes_events_acks_and_disconnect():
    connection = joined("/chat")
    assert receive(connection, '2/chat,["a",1]', 0.0) == EventReceived("/chat", "a", [1], None, 7)
    assert receive(connection, '2/chat,7["a"]', 0.0) == EventReceived("/chat", "a", [], 7, 5)
    assert receive(connection, "3/chat,7[1,2]", 0.0) == AckReceived("/chat", 7, [1, 2])
    assert receive(connection, "1/chat,", 0.0) == DisconnectReceived("/chat")


@pytest.mark.rows("F5")
def test_a_numeric_event_name_stays_a_number():
    assert receive(joined(), '2[5,"x"]', 0.0) == EventReceived("/", 5, ["x"], None, 7)


@pytest.mark.rows("D2")
def test_attachments_arrive_in_their_places():
    connection = joined()
    header = '52-3["a",[{"_placeholder":true,"num":1}],{"k":{"_placeholder":true,"num":0}}]'
    assert receive(connection, header, 0.0) is None
    assert receive(connection, b"x", 0.0) is None
    event = receive(connection, b"yz", 0.0)
    assert event == EventReceived("/", "a", [[b"yz"], {"k": b"x"}], 3, len(header) - 4 + 3)


OTHER_PACKETS = ['2["a"]', '20["a"]', "30[]", "1"]


@pytest.mark.parametrize("packet", OTHER_PACKETS)
def test_packets_before_the_answer_to_connect_break_the_protocol(packet):
    with pytest.raises(RemoteProtocolError, match="not joined"):
        receive(fresh(), packet, 0.0)
    asking = fresh()
    receive(asking, "0", 0.0)
    with pytest.raises(RemoteProtocolError, match="not joined"):
        receive(asking, packet, 0.0)
    with pytest.raises(RemoteProtocolError, match="not joined"):
        receive(joined("/other"), packet, 0.0)


def test_a_second_connect_to_a_joined_namespace_breaks_the_protocol():
    with pytest.raises(RemoteProtocolError, match="already joined"):
        receive(joined(), "0", 0.0)


@pytest.mark.rows("P4")
def test_a_second_connect_takes_the_place_of_one_that_is_not_answered():
    connection = fresh()
    for number in range(3):
        auth = {"number": number}
        assert receive(connection, f'0{{"number":{number}}}') == ConnectReceived("/", auth)
    connection.accepted("/", "in /")
    with pytest.raises(RemoteProtocolError, match="already joined"):
        receive(connection, "0")


def test_a_connect_error_comes_from_servers_only():
    for packet in ("4", '4{"message":"x"}', '4"x"'):
        with pytest.raises(RemoteProtocolError):
            receive(joined(), packet, 0.0)


def test_client_may_connect_again_after_leaving_or_a_refusal():
    connection = joined()
    assert connection.members == {"/": "in /"}
    receive(connection, "1", 0.0)
    connection.left("/", 0.0)
    assert connection.members == {}
    assert receive(connection, "0", 0.0) == ConnectReceived("/", {})
    assert receive(connection, "0", 0.0) == ConnectReceived("/", {})


@pytest.mark.parametrize("packet", OTHER_PACKETS)
def test_packets_that_cross_our_disconnect_are_ignored(packet):
    connection = joined()
    connection.disconnected("/", 0.0)
    assert receive(connection, packet, 0.0) is None
    assert receive(connection, "0", 0.0) == ConnectReceived("/", {})
    connection.accepted("/", "in /")
    assert receive(connection, '2["a"]', 0.0) == EventReceived("/", "a", [], None, 5)


def test_a_namespace_has_at_most_1024_characters():
    assert receive(fresh(), "0/" + "n" * 1023, 0.0) == ConnectReceived("/" + "n" * 1023, {})
    with pytest.raises(RemoteProtocolError, match="1024 characters"):
        receive(fresh(), "0/" + "n" * 1024, 0.0)


# Deadlines


def test_connection_without_namespace_ends_at_the_deadline():
    connection = fresh(100.0)
    assert connection.deadline == 145.0
    connection.check_deadline(144.9)
    with pytest.raises(RemoteProtocolError, match="no namespace joined within 45 s"):
        connection.check_deadline(145.0)


def test_deadline_ends_when_connect_is_answered():
    connection = fresh()
    receive(connection, "0", 1.0)
    assert connection.deadline == 45.0
    receive(connection, "0", 2.0)
    connection.accepted("/", "in /")
    assert connection.deadline == math.inf
    connection.check_deadline(1e9)


@pytest.mark.parametrize("we", [True, False])
def test_leaving_the_last_namespace_starts_the_deadline_anew(we):
    def leave(namespace: str, now: float) -> None:
        if we:
            connection.disconnected(namespace, now)
        else:
            receive(connection, f"1{namespace},", now)
            connection.left(namespace, now)

    connection = joined("/", "/chat")
    leave("/", 50.0)
    assert connection.deadline == math.inf
    leave("/chat", 60.0)
    assert connection.deadline == 105.0


@pytest.mark.rows("D6")
def test_attachments_must_come_in_time():
    connection = joined()
    receive(connection, '52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', 20.0)
    assert connection.deadline == 30.0
    receive(connection, b"x", 29.0)
    assert connection.deadline == 30.0
    connection.check_deadline(29.9)
    with pytest.raises(RemoteProtocolError, match="attachments missing after 10 s"):
        connection.check_deadline(30.0)


def test_deadline_ends_with_the_last_attachment():
    connection = joined()
    receive(connection, HEADER, 20.0)
    receive(connection, b"x", 29.0)
    assert connection.deadline == math.inf


class NamespacesAgainstADictionary(RuleBasedStateMachine):
    """Random packets and answers over three namespaces; every outcome is foretold."""

    names = st.sampled_from(["/", "/a", "/b"])

    def __init__(self):
        super().__init__()
        self.connection = fresh()
        self.state: dict[str, str] = {}
        self.over = False

    def receive(self, text, expected):
        if expected is None:
            with pytest.raises(RemoteProtocolError):
                receive(self.connection, text, 0.0)
            self.over = True
        else:
            assert type(receive(self.connection, text, 0.0)) is expected

    @precondition(lambda self: not self.over)
    @rule(name=names)
    def connect(self, name):
        self.receive(f"0{name},", None if self.state.get(name) == "in" else ConnectReceived)
        if not self.over:
            self.state[name] = "asking"

    @precondition(lambda self: not self.over)
    @rule(name=names, kind=st.sampled_from([('2{},["a"]', EventReceived), ("3{},1[]", AckReceived)]))
    def talk(self, name, kind):
        outcome = {"in": kind[1], "left": type(None)}.get(self.state.get(name, ""))
        self.receive(kind[0].format(name), outcome)

    @precondition(lambda self: not self.over)
    @rule(name=names)
    def leave(self, name):
        outcome = {"in": DisconnectReceived, "left": type(None)}.get(self.state.get(name, ""))
        self.receive(f"1{name},", outcome)
        if outcome is DisconnectReceived:
            self.connection.left(name, 0.0)
            del self.state[name]

    @rule(name=names, answer=st.sampled_from(["in", "refused"]))
    def answer(self, name, answer):
        if self.state.get(name) != "asking" or self.over:
            return
        if answer == "in":
            self.connection.accepted(name, name)
            self.state[name] = "in"
        else:
            del self.state[name]

    @rule(name=names)
    def disconnect(self, name):
        if self.state.get(name) == "in" and not self.over:
            self.connection.disconnected(name, 0.0)
            self.state[name] = "left"

    @invariant()
    def members_are_those_that_are_in(self):
        assert set(self.connection.members) == {name for name, state in self.state.items() if state == "in"}


TestNamespacesAgainstADictionary = NamespacesAgainstADictionary.TestCase
