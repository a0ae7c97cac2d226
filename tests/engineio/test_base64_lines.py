"""Binary messages as base64 in lines, over each transport and revision."""

from __future__ import annotations

import base64

import pytest
from support.engine import Bench

DATA = bytes(range(200))
LINES = base64.encodebytes(DATA).decode()


@pytest.mark.rows("P17")
@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("EIO=4", f"b{LINES}"),
        ("EIO=3", f"{len(LINES) + 2}:b4{LINES}"),
        ("EIO=3&b64=1", f"{len(LINES) + 2}:b4{LINES}"),
    ],
)
def test_base64_in_lines_over_polling_is_one_message(query: str, body: str) -> None:
    bench = Bench(allow_eio3=True)
    polling = bench.polling(query)
    assert bench.post(polling, body).body == b"ok"
    assert bench.above[polling.session.sid].messages == [DATA]


@pytest.mark.rows("P17")
@pytest.mark.parametrize(("query", "prefix"), [("EIO=4", "b"), ("EIO=3", "b4"), ("EIO=3&b64=1", "b4")])
def test_base64_in_lines_over_websocket_is_one_message(query: str, prefix: str) -> None:
    bench = Bench(allow_eio3=True)
    host = bench.websocket(query=query)
    host.deliver(prefix + LINES, 0.0)
    (above,) = bench.above.values()
    assert above.messages == [DATA]
