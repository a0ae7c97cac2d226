"""Compression of WebSocket messages (RFC 7692), against Python's own zlib."""

from __future__ import annotations

import random
import resource
import zlib
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.native import ALL, connection, events, every_way
from support.wire import client_frame

from trio_socketio._core import Connection, Deflate, Dialect, Failure, Message

RSV1, TEXT, BINARY = 4, 1, 2
TAIL = b"\x00\x00\xff\xff"
DEFLATE = Deflate(threshold=16, max_bytes=100_000)
DIALECT = Dialect(deflate=DEFLATE)

#: What repeats itself, and what does not.
contents = st.one_of(
    st.binary(max_size=300),
    st.builds(bytes.__mul__, st.binary(max_size=20), st.integers(0, 2000)),
    st.builds(lambda seed, size: random.Random(seed).randbytes(size), st.integers(), st.integers(0, 20_000)),
)
strategies = st.sampled_from([zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY, zlib.Z_FIXED, zlib.Z_RLE])


def agreed(**limits: int) -> Connection:
    """A connection whose client may send, and is sent, compressed messages."""
    link = connection(dialect=DIALECT, **limits)
    link.open = True
    return link


@st.composite
def compressed(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A message, and what a client may send of it."""
    content = draw(contents)
    compressor = zlib.compressobj(
        draw(st.integers(0, 9)), wbits=-draw(st.integers(9, 15)), strategy=draw(strategies)
    )
    pieces = []
    for begin, end in pairwise(
        [0, *sorted(draw(st.lists(st.integers(0, len(content)), max_size=3))), len(content)]
    ):
        flush = draw(st.sampled_from([zlib.Z_NO_FLUSH, zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH]))
        pieces += [compressor.compress(content[begin:end]), compressor.flush(flush) if flush else b""]
    if draw(st.booleans()):  # with a final block: then nothing is cut off (section 7.2.3.4)
        return content, b"".join(pieces) + compressor.flush(zlib.Z_FINISH)
    payload = b"".join(pieces) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return content, payload.removesuffix(TAIL)


def frames(payload: bytes, opcode: int, count: int) -> bytes:
    """A compressed message in so many frames."""
    size = len(payload) // count + 1
    parts = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
    return b"".join(
        client_frame(0 if i else opcode, part, rsv=0 if i else RSV1, fin=i == len(parts) - 1)
        for i, part in enumerate(parts)
    )


def inflated(payload: bytes) -> bytes:
    inflater = zlib.decompressobj(-15)
    data = inflater.decompress(payload + TAIL)
    assert not inflater.unused_data
    return data


# in


@pytest.mark.rows("C32")
@given(st.lists(compressed(), min_size=1, max_size=3), st.integers(1, 4), st.integers(0, 1000))
def test_what_zlib_compresses_is_read_however_it_comes(messages, count, seed):
    data = b"".join(frames(payload, BINARY, count) for _, payload in messages)
    ways = every_way(data, [seed])
    pieces = next(ways) if len(data) > 2000 else [piece for way in ways for piece in way]
    link = agreed()
    got = []
    for piece in pieces:
        link.feed(piece)
        got += events(link)
    expected = [content for content, _ in messages]
    assert got in (expected, expected * 3)


@pytest.mark.rows("C32")
@given(st.text(max_size=300), st.integers(1, 5))
def test_text_is_judged_when_it_is_inflated(text, count):
    link = agreed()
    content = text.encode(errors="surrogatepass")
    compressor = zlib.compressobj(wbits=-15)
    payload = (compressor.compress(content) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)
    link.feed(frames(payload, TEXT, count))
    (event,) = events(link)
    assert event == text if text.isprintable() or event == text else event.close_code == 1007


@pytest.mark.rows("C32")
@given(compressed(), st.data())
def test_what_is_cut_off_is_refused(message, data):
    _, payload = message
    cut = payload[: data.draw(st.integers(0, max(0, len(payload) - 1)))]
    assert outcome(cut) == verdict(cut)


@pytest.mark.rows("C32")
@given(st.binary(max_size=400))
def test_garbage_is_what_zlib_says_it_is(payload):
    assert outcome(payload) == verdict(payload)


def outcome(payload: bytes) -> bytes | None:
    """What a connection reads in the payload; None: it failed."""
    link = agreed(max_message_bytes=10_000_000)
    link.feed(frames(payload, BINARY, 1))
    (event,) = events(link)
    if isinstance(event, Failure):
        assert event.close_code == 1007
        return None
    assert isinstance(event, bytes)
    return event


def verdict(payload: bytes) -> bytes | None:
    """The same, slowly: streams one behind the other, of which the last may lack its end (section 7.2.2)."""
    said = b""
    while payload:
        inflater = zlib.decompressobj(-15)
        try:
            data = inflater.decompress(payload)
            if not inflater.eof:
                data += inflater.decompress(TAIL)  # which may end a character that was cut off
                return said + data if all(_ends(payload + TAIL, final) for final in FINAL) else None
        except zlib.error:
            return None
        said, payload = said + data, inflater.unused_data
    return said


#: Empty final blocks of two kinds: what takes both for the end is at the end of a block.
FINAL = [b"\x03\x00", b"\x01\x00\x00\xff\xff"]


def _ends(stream: bytes, final: bytes) -> bool:
    inflater = zlib.decompressobj(-15)
    try:
        inflater.decompress(stream + final)
    except zlib.error:
        return False
    return inflater.eof and not inflater.unused_data


@pytest.mark.rows("C25", "C32")
@pytest.mark.parametrize(("size", "code"), [(1000, None), (1001, 1009), (1002, 1009), (1_000_000, 1009)])
def test_the_limit_is_of_the_inflated_message(size, code):
    link = agreed(max_message_bytes=1000)
    compressor = zlib.compressobj(wbits=-15)
    payload = compressor.compress(b"x" * size) + compressor.flush(zlib.Z_SYNC_FLUSH)
    link.feed(frames(payload.removesuffix(TAIL), TEXT, 1))
    (event,) = events(link)
    if code is None:
        assert event == "x" * size
    else:
        assert isinstance(event, Failure)
        assert event.close_code == code


def _inflate_a_bomb() -> tuple[int, int]:
    """The close code, and by how many kB the most memory that was ever used has grown."""
    compressor = zlib.compressobj(9, wbits=-15)
    block = compressor.compress(bytes(1 << 20)) + compressor.flush(zlib.Z_FULL_FLUSH)
    payload = block * 1024  # a gigabyte
    assert len(payload) < 1_125_000
    link = agreed()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    link.feed(frames(payload, BINARY, 1))
    (event,) = events(link)
    assert isinstance(event, Failure)
    return event.close_code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


@pytest.mark.rows("C25", "C32")
def test_a_bomb_takes_no_more_than_the_limit():
    # In a process of its own: of one that has used more before, nothing would be seen.
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        code, taken = pool.submit(_inflate_a_bomb).result()
    assert code == 1009
    assert taken < 100_000  # of a million; sanitizers keep for a while what was freed


@pytest.mark.rows("C32")
def test_no_message_knows_of_another():
    link = agreed()
    compressor = zlib.compressobj(wbits=-15)
    for content in (b"secret " * 100, b"secret " * 100):  # the second refers to the first
        payload = compressor.compress(content) + compressor.flush(zlib.Z_SYNC_FLUSH)
        link.feed(frames(payload.removesuffix(TAIL), BINARY, 1))
    first, second = events(link)
    assert first == b"secret " * 100
    assert isinstance(second, Failure)
    assert second.close_code == 1007


# out


def compressed_frames(data: bytes) -> list[tuple[int, bytes]]:
    """(opcode, payload) of a server's frames, inflated."""
    found, at = [], 0
    while at < len(data):
        first, length, at = data[at], data[at + 1], at + 2
        size = {126: 2, 127: 8}.get(length, 0)
        if size:
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        payload, at = data[at : at + length], at + length
        assert first & 0xB0 == 0x80
        found.append((first & 15, inflated(payload) if first & 0x40 else payload))
    return found


@pytest.mark.rows("C32")
@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.lists(contents, max_size=3)),
        max_size=3,
    )
)
def test_zlib_reads_what_is_compressed(messages):
    link, expected, plain = agreed(), [], 0
    for text, attachments in messages:
        message = Message(text * 50, attachments)
        link.send(message)
        plain += len(message)
        expected += [(1, f"4{text * 50}".encode()), *((2, attachment) for attachment in attachments)]
    assert link.queued_bytes <= plain
    data = link.take(ALL)
    assert compressed_frames(data) == expected
    assert len(data) <= plain


@pytest.mark.rows("C32", "C33")
def test_a_broadcast_is_compressed_once():
    members = [agreed() for _ in range(1000)]
    other, polling = connection(), connection()
    other.open = polling.open = True
    message = Message("x" * 2000)
    assert members[0].send(message) == 0
    assert message.forms == {"deflated"}
    first = members[0].take(ALL)
    assert len(first) < 100
    for member in [*members[1:], other, polling]:
        member.send(message)
    assert message.forms == {"deflated"}
    assert {member.take(ALL) for member in members[1:]} == {first}
    assert other.take(ALL) == b"\x81\x7e\x07\xd14" + b"x" * 2000
    assert polling.take_payload(ALL) == b"4" + b"x" * 2000
    assert message.forms == {"deflated", "payload 4"}


@pytest.mark.rows("C6", "C7", "C32")
def test_forms_of_revision_3_are_compressed():
    message = Message("51-[]", [bytes(200)])
    for base64 in (False, True):
        link = connection(dialect=Dialect(3, base64, DEFLATE))
        link.open = True
        link.send(message)
        _, attachment = compressed_frames(link.take(ALL))
        assert attachment == ((1, b"b4" + b"A" * 267 + b"=") if base64 else (2, b"\x04" + bytes(200)))
    assert message.forms == {"typed", "typed, deflated", "base64", "base64, deflated"}


@pytest.mark.rows("C32")
@pytest.mark.parametrize(
    ("size", "forms"), [(15, set()), (16, {"deflated"}), (99_990, {"deflated"}), (99_991, set())]
)
def test_neither_small_nor_large_messages_are_compressed(size, forms):
    message = Message("x" * (size - 1))  # with a header of 2 bytes, or of 10
    agreed().send(message)
    assert message.forms == forms


@pytest.mark.rows("C32")
def test_a_message_may_be_kept_as_it_is():
    link, message = agreed(), Message("x" * 2000)
    assert message.compress
    message.compress = False
    link.send(message)
    assert not message.compress
    assert not message.forms
    assert link.take(ALL).endswith(b"x" * 2000)


@pytest.mark.rows("B16")
@pytest.mark.parametrize("revision", [3, 4])
def test_a_poll_knows_whether_it_may_be_compressed(revision):
    link = connection(dialect=Dialect(revision))
    link.open = True
    take = link.take_payload3 if revision == 3 else link.take_payload
    for flags in ([False], [True], [False, True], [True, False], [False, False]):
        for flag in flags:
            message = Message("x")
            message.compress = flag
            link.send(message)
        take(ALL)
        link.confirm()
        assert link.compressible == any(flags)


@pytest.mark.parametrize(
    "wrong",
    [
        {"window_bits": 8},
        {"window_bits": 16},
        {"level": 0},
        {"level": 10},
        {"mem_level": 0},
        {"mem_level": 10},
    ],
)
def test_what_zlib_cannot_do_is_refused(wrong):
    with pytest.raises(ValueError, match="range"):
        Deflate(threshold=16, max_bytes=100, **wrong)


def test_a_dialect_keeps_what_it_compresses_with():
    link = connection(dialect=Dialect(deflate=Deflate(threshold=1, max_bytes=1000)))
    link.open = True
    assert link.dialect is not None
    assert link.dialect.deflate is not None
    link.send(Message("x" * 100))
    link.dialect = None
    link.send(Message("x" * 100))
    assert len(compressed_frames(link.take(ALL))) == 2
