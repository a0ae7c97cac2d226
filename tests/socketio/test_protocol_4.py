"""CONNECT of a client of protocol 4. Everything else is as in protocol 5."""

from __future__ import annotations

import pytest

from trio_socketio.errors import RemoteProtocolError
from trio_socketio.socketio import (
    ConnectionOptions,
    ConnectReceived,
    EventReceived,
    Protocol4Connection,
    SocketIOConnection,
)

OPTIONS = ConnectionOptions(connect_timeout=45.0, attachment_timeout=10.0, max_attachments=10, max_bytes=1000)


@pytest.mark.rows("E1")
def test_opening_a_session_asks_for_the_main_namespace() -> None:
    connection: Protocol4Connection[None] = Protocol4Connection(OPTIONS, 0.0)
    assert connection.join_main() == ConnectReceived("/", {})
    with pytest.raises(RemoteProtocolError, match="EVENT for a namespace that the client has not joined"):
        connection.receive_text(b'2["early"]', 0.0)
    connection.accepted("/", None)
    assert connection.receive_text(b'2["in time"]', 0.0) == EventReceived("/", "in time", [], None, 11)
    with pytest.raises(RemoteProtocolError, match="already joined"):
        connection.receive_text(b"0", 0.0)


@pytest.mark.rows("E1", "E2")
def test_opening_a_session_in_protocol_5_asks_for_no_namespace() -> None:
    assert SocketIOConnection(OPTIONS, 0.0).join_main() is None


@pytest.mark.rows("E12")
def test_a_namespace_is_joined_once_whatever_its_query() -> None:
    connection: Protocol4Connection[None] = Protocol4Connection(OPTIONS, 0.0)
    assert connection.receive_text(b"0/ok?a=1,", 0.0) == ConnectReceived("/ok", {"a": "1"})
    connection.accepted("/ok", None)
    assert connection.receive_text(b'2/ok,["x"]', 0.0) == EventReceived("/ok", "x", [], None, 5)
    with pytest.raises(RemoteProtocolError, match="already joined"):
        connection.receive_text(b"0/ok?a=2,", 0.0)


@pytest.mark.rows("E12")
@pytest.mark.parametrize(
    ("name", "query", "fits"), [(1024, 16_384, True), (1025, 0, False), (4, 16_385, False)]
)
def test_name_and_query_have_a_limit_each(name: int, query: int, fits: bool) -> None:
    connection: Protocol4Connection[None] = Protocol4Connection(OPTIONS, 0.0)
    packet = b"0/" + b"n" * (name - 1) + b"?" + b"q" * query + b","
    if fits:
        assert connection.receive_text(packet, 0.0) == ConnectReceived("/" + "n" * 1023, {"q" * query: ""})
    else:
        with pytest.raises(RemoteProtocolError, match="of more than"):
            connection.receive_text(packet, 0.0)


@pytest.mark.rows("D21")
@pytest.mark.parametrize(
    ("error", "told"),
    [
        ({"message": "no"}, "no"),
        ({"message": "no", "data": {"code": 7}}, {"code": 7}),
        ({"message": "no", "data": 0}, 0),
    ],
)
def test_refusal_is_only_the_data_or_the_message(error: dict[str, object], told: object) -> None:
    assert Protocol4Connection.refusal(error) == told
    assert SocketIOConnection.refusal(error) == error
