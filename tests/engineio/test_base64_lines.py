"""Binary messages as base64 in lines, over each transport and revision."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import pytest
from support.engine import Bench

DATA = bytes(range(200))
LINES = base64.encodebytes(DATA).decode()
FORM = "application/x-www-form-urlencoded"


def _body(query: str) -> tuple[str, dict[str, Any]]:
    """A POST of one binary message and the keywords that it is sent with."""
    if "EIO=3" in query:
        packet = f"b4{LINES}"
        body = f"{len(packet)}:{packet}"
    else:
        body = f"b{LINES}"
    if "j=0" in query:
        return "d=" + quote(body.replace("\n", "\\n")), {"content_type": FORM}
    return body, {}


@pytest.mark.rows("P17")
@pytest.mark.parametrize("query", ["EIO=4", "EIO=4&j=0", "EIO=3", "EIO=3&b64=1", "EIO=3&j=0"])
def test_base64_in_lines_over_polling_is_one_message(query: str) -> None:
    bench = Bench(allow_eio3=True, jsonp=True)
    polling = bench.polling(query)
    body, options = _body(query)
    assert bench.post(polling, body, **options).body == b"ok"
    assert bench.above[polling.session.sid].messages == [DATA]


@pytest.mark.rows("P17")
@pytest.mark.parametrize(("query", "prefix"), [("EIO=4", "b"), ("EIO=3", "b4"), ("EIO=3&b64=1", "b4")])
def test_base64_in_lines_over_websocket_is_one_message(query: str, prefix: str) -> None:
    bench = Bench(allow_eio3=True, jsonp=True)
    host = bench.websocket(query=query)
    host.deliver(prefix + LINES, 0.0)
    (above,) = bench.above.values()
    assert above.messages == [DATA]
