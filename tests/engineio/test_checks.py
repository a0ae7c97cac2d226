"""Values that the fields of Cors, CookieOptions, Outbox and the compressions refuse."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest

from trio_socketio.engineio import CookieOptions, Cors, HttpCompression, Outbox, PerMessageDeflate


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Outbox(max_packets="1"), "outbox: max_packets must be a whole number, not '1'"),  # type: ignore[arg-type]
    (lambda: Outbox(max_bytes=1.5), "outbox: max_bytes must be a whole number, not 1.5"),  # type: ignore[arg-type]
    (lambda: Outbox(policy=None), "outbox: policy must be a str, not None"),  # type: ignore[arg-type]
    (lambda: Cors(methods="GET"), r"cors: methods must be a list, such as \['GET'\], not the str 'GET'"),
    (lambda: Cors(allowed_headers="X-A"), "cors: allowed_headers must be a list"),
    (lambda: Cors(exposed_headers=[1]), "cors: exposed_headers must be a list of str"),  # type: ignore[list-item]
    (lambda: Cors(max_age="60"), "cors: max_age must be a number of seconds, not '60'"),  # type: ignore[arg-type]
    (lambda: Cors(credentials="yes"), "cors: credentials must be True or False"),  # type: ignore[arg-type]
    (lambda: CookieOptions(max_age="60"), "cookie: max_age must be a number of seconds, not '60'"),  # type: ignore[arg-type]
    (lambda: CookieOptions(name=1), "cookie: name must be a str, not 1"),  # type: ignore[arg-type]
])  # fmt: skip
@pytest.mark.rows("P34")
def test_wrong_type_is_refused_with_a_message_that_names_the_field(make: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        make()
    assert re.match(message, str(caught.value))


@pytest.mark.parametrize(("kind", "fields"), [
    (Cors, {"methods": ["GET,PUT"]}), (Cors, {"allowed_headers": ["a\r\nb"]}), (Cors, {"exposed_headers": [""]}),
    (Cors, {"max_age": -1}), (Cors, {"max_age": float("nan")}), (Cors, {"options_success_status": 302}),
    (CookieOptions, {"path": "/;a"}), (CookieOptions, {"domain": "a\r\nb"}), (CookieOptions, {"domain": "é"}),
    (CookieOptions, {"expires": datetime(2030, 1, 1)}), (CookieOptions, {"max_age": -1}),  # noqa: DTZ001
    (CookieOptions, {"same_site": "lax"}),
    (PerMessageDeflate, {"level": 0}), (PerMessageDeflate, {"window_bits": 8}),
    (PerMessageDeflate, {"mem_level": 10}), (PerMessageDeflate, {"threshold": -1}),
    (PerMessageDeflate, {"max_bytes": 0}),
    (HttpCompression, {"level": 10}), (HttpCompression, {"threshold": -1}), (HttpCompression, {"worker_bytes": -1}),
])  # fmt: skip
def test_value_out_of_range_is_refused(kind: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        kind(**fields)
