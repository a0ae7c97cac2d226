"""One message, and what clients that understand different things get of it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import oracle
from support.native import ALL, connection
from support.wire import server_frames

from trio_socketio._core import Connection, Dialect, Message

TYPED, BASE64 = Dialect(3), Dialect(3, base64=True)
#: What the notes saw on the wire: an event with three bytes.
HEAD = '51-["bin",{"_placeholder":true,"num":0},"€😀"]'

texts = st.text(st.characters(exclude_characters="\x1e", exclude_categories=["Cs"]))
messages = st.lists(st.tuples(texts, st.lists(st.binary(max_size=200), max_size=3)), min_size=1, max_size=4)


def opened(dialect: Dialect | None, **limits: int) -> Connection:
    link = connection(dialect=dialect, **limits)
    link.open = True
    return link


def packets(text: str, attachments: list[bytes], dialect: Dialect) -> list[str | bytes]:
    """A message as a WebSocket of revision 3 carries it."""
    encoded = [
        f"b4{base64.b64encode(data).decode()}" if dialect.base64 else b"\x04" + data for data in attachments
    ]
    return ["4" + text, *encoded]


def bodies(link: Connection) -> tuple[bytes, bool]:
    body = link.take_payload3(ALL)
    link.confirm()
    return body


@pytest.mark.rows("C6", "C7")
@pytest.mark.parametrize("dialect", [TYPED, BASE64])
@given(messages)
def test_frames_of_revision_3(dialect, sent):
    link = opened(dialect)
    expected: list[tuple[int, bytes]] = []
    for text, attachments in sent:
        link.send(Message(text, attachments))
        expected += [
            (1, packet.encode()) if isinstance(packet, str) else (2, packet)
            for packet in packets(text, attachments, dialect)
        ]
    size = link.queued_bytes
    frames = link.take(ALL)
    assert server_frames(frames) == expected
    assert size == len(frames)  # limits count what is sent


@pytest.mark.rows("C4", "C5", "C7")
@pytest.mark.parametrize("dialect", [TYPED, BASE64])
@given(messages)
def test_payloads_of_revision_3(dialect, sent):
    link = opened(dialect)
    expected: list[str | bytes] = []
    for text, attachments in sent:
        link.send(Message(text, attachments))
        expected += packets(text, attachments, dialect)
    binary = any(isinstance(packet, bytes) for packet in expected)
    join = oracle.join_payload3_binary if binary else oracle.join_payload3
    assert bodies(link) == (join(expected), binary)


@pytest.mark.rows("C5")
def test_the_binary_vector_of_the_wire_notes():
    link = opened(TYPED)
    link.send(Message("0"))
    link.send(Message(HEAD, [b"\x01\x02\x03"]))
    body = b"\x00\x02\xff40" + b"\x00\x05\x01\xff4" + HEAD.encode() + b"\x01\x04\xff\x04\x01\x02\x03"
    assert bodies(link) == (body, True)


@pytest.mark.rows("C4", "C7")
def test_the_text_vector_of_the_wire_notes():
    link = opened(BASE64)
    link.send(Message("0"))
    link.send(Message(HEAD, [b"\x01\x02\x03"]))
    assert bodies(link) == (f"2:4047:4{HEAD}6:b4AQID".encode(), False)


@pytest.mark.rows("C4")
def test_a_body_without_binary_messages_is_text_whatever_the_client_takes():
    for dialect in (TYPED, BASE64):
        link = opened(dialect)
        link.send(Message("€😀"))
        assert bodies(link) == ("4:4€😀".encode(), False)


@pytest.mark.rows("C7")
def test_base64_means_nothing_in_revision_4():
    link = opened(Dialect(4, base64=True))
    link.send(Message("x", [b"\x01\x02\x03"]))
    assert server_frames(link.take(ALL)) == [(1, b"4x"), (2, b"\x01\x02\x03")]


def test_each_form_is_made_once_however_many_get_it():
    dialects = [None, TYPED, BASE64, Dialect(3), Dialect(3, base64=True)] * 20
    message = Message("51-[]", [b"\x01\x02\x03"])
    members = [opened(dialect) for dialect in dialects]
    for member in members:
        member.send(message)
    assert message.forms == {"typed", "base64"}
    for number, member in enumerate(members):
        if number % 2:
            member.take(ALL)
        elif member.dialect is None:
            member.take_payload(ALL)
        else:
            member.take_payload3(ALL)
    assert message.forms == {
        "typed", "base64", "payload 4", "typed, binary payload 3", "base64, text payload 3",
    }  # fmt: skip


def test_text_is_sent_as_it_is_to_all():
    message = Message("2[]")
    for dialect in (None, TYPED, BASE64):
        link = opened(dialect)
        link.send(message)
        assert link.take(ALL) == b"\x81\x0442[]"
    assert message.forms == frozenset()


def test_a_form_outlives_whoever_made_the_message():
    link = opened(TYPED)
    link.send(Message("x", [b"y"]))
    assert server_frames(link.take(ALL)) == [(1, b"4x"), (2, b"\x04y")]


def test_what_is_queued_keeps_its_form_when_the_dialect_changes():
    link = opened(TYPED)
    link.send(Message(None, [b"a"]))
    link.dialect = BASE64
    link.send(Message(None, [b"a"]))
    link.dialect = None
    link.send(Message(None, [b"a"]))
    assert server_frames(link.take(ALL)) == [(2, b"\x04a"), (1, b"b4YQ=="), (2, b"a")]


@pytest.mark.rows("C7")
def test_an_upgrade_brings_its_own_dialect():
    session, candidate = opened(TYPED), opened(BASE64)
    session.adopt(candidate)
    assert session.dialect is BASE64
    session.send(Message(None, [b"a"]))
    assert session.take(ALL) == b"\x81\x06b4YQ=="


def test_a_key_replaces_the_form_of_another_message():
    link = opened(TYPED, policy=4)
    link.send(Message("1-", [b"old"], key=7))
    link.send(Message("1-", [b"new"], key=7))
    assert server_frames(link.take(ALL)) == [(1, b"41-"), (2, b"\x04new")]


@pytest.mark.parametrize("revision", [2, 5, 259, -1])
def test_there_are_two_revisions(revision):
    with pytest.raises(ValueError, match="revision must be 3 or 4"):
        Dialect(revision)


def test_a_dialect_tells_what_it_is():
    assert (Dialect().revision, Dialect().base64) == (4, False)
    assert (BASE64.revision, BASE64.base64) == (3, True)
