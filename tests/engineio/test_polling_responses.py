"""The responses to requests of sessions on polling."""

from __future__ import annotations

import pytest

from trio_socketio.engineio import POST_TOO_LARGE
from trio_socketio.engineio._polling_responses import BAD_REQUEST, POST_OK, poll_response


@pytest.mark.parametrize(("jsonp", "body"), [(None, b"4hello"), ("7", b'___eio[7]("4hello");')])
def test_response_to_a_poll_is_not_cached_and_states_its_length(jsonp: str | None, body: bytes) -> None:
    response = poll_response(b"4hello", "text/plain", jsonp, compress=True)
    assert (response.status, response.body, response.compress) == (200, body, True)
    assert dict(response.headers) == {
        "Content-Type": "text/plain",
        "Content-Length": str(len(body)),
        "cache-control": "no-store",
    }


def test_only_a_body_that_is_not_read_closes_the_connection() -> None:
    assert POST_TOO_LARGE.close
    assert not BAD_REQUEST.close
    assert not POST_OK.close
