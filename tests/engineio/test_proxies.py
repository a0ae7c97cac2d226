"""The client's address and scheme from headers set by trusted proxies."""

from __future__ import annotations

from typing import Any

import pytest

from trio_socketio.engineio import Proxies

pytestmark = pytest.mark.rows("A18")

NEAR = ["10.0.0.0/8", "fd00::/8", "unix"]


def client(header: Any, fields: dict[str, str], address: str = "10.0.0.1", trusted: Any = NEAR) -> str:
    """Whom the request is from."""
    return Proxies(trusted, header).resolve(address, False, fields)[0]


@pytest.mark.parametrize(("field", "address"), [
    ("1.2.3.4", "1.2.3.4"), (" 1.2.3.4 ", "1.2.3.4"), ("1.2.3.4:5678", "1.2.3.4"), ("::ffff:1.2.3.4", "1.2.3.4"),
    ("2001:db8::1", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1"), ("[2001:DB8::1]:80", "2001:db8::1"),
    ("1.2.3.4, 10.0.0.7", "1.2.3.4"), ("1.2.3.4,10.0.0.7,fd00::1", "1.2.3.4"),
    ("6.6.6.6, 1.2.3.4", "1.2.3.4"), ("6.6.6.6, 1.2.3.4, 10.0.0.7", "1.2.3.4"),  # what the client made up
    ("10.0.0.9, 10.0.0.7", "10.0.0.9"), ("", "10.0.0.1"),
    ("unknown", "10.0.0.1"), ("1.2.3.4, unknown", "10.0.0.1"), ("1.2.3.4, unknown, 10.0.0.7", "10.0.0.7"),
    ("1.2.3.4, , 10.0.0.7", "10.0.0.7"), ("unix", "10.0.0.1"), ("1.2.3.4.5", "10.0.0.1"), ("[::1", "10.0.0.1"),
    ("1.2.3.4\xe9", "10.0.0.1"), ("1.2.3.4, " + "10.0.0.7," * 1000 + "10.0.0.8", "1.2.3.4"),
])  # fmt: skip
def test_client_is_the_last_untrusted_address_in_x_forwarded_for(field: str, address: str) -> None:
    assert client("x-forwarded-for", {"x-forwarded-for": field}) == address
    assert client("x-forwarded-for", {"forwarded": "for=6.6.6.6"}) == "10.0.0.1"


@pytest.mark.parametrize(("field", "address"), [
    ("for=1.2.3.4", "1.2.3.4"), ("For=1.2.3.4;proto=https;by=10.0.0.1", "1.2.3.4"), ('for="1.2.3.4:99"', "1.2.3.4"),
    ('for="[2001:db8::1]:4711"', "2001:db8::1"), ('for="[2001:db8::1]"', "2001:db8::1"),
    ('for="1.2.3.\\4"', "1.2.3.4"), ("for=1.2.3.4, for=10.0.0.7", "1.2.3.4"),
    ("for=6.6.6.6, for=1.2.3.4;by=10.0.0.2 , for=10.0.0.7", "1.2.3.4"),
    ("for=_hidden", "10.0.0.1"), ("for=unknown", "10.0.0.1"), ("for=1.2.3.4, for=_hidden, for=10.0.0.7", "10.0.0.7"),
    ("by=1.2.3.4", "10.0.0.1"), ("", "10.0.0.1"), ("for=1.2.3.4;for=5.6.7.8", ""), ("for", ""),
    ("for=[::1]", ""), ("for=1.2.3.4 for=5.6.7.8", ""),
    # a client's open quotation mark must not swallow what the proxy appends, nor make the client look like the proxy
    ('for="6.6.6.6, for=1.2.3.4', ""), ('x=", for="[2001:db8::1]"', ""),
    ('x="\\", for=1.2.3.4', ""), ('x=", for="1.2.3.4";by="10.0.0.1"', ""),
])  # fmt: skip
def test_client_is_the_last_untrusted_address_in_forwarded(field: str, address: str) -> None:
    assert client("forwarded", {"forwarded": field}) == address
    assert client("forwarded", {"x-forwarded-for": "6.6.6.6"}) == "10.0.0.1"


@pytest.mark.parametrize(("address", "trusted", "believed"), [
    ("10.255.0.1", NEAR, True), ("11.0.0.1", NEAR, False), ("fd12::1", NEAR, True), ("fe80::1", NEAR, False),
    ("unix", NEAR, True), ("unix", ["10.0.0.0/8"], False), ("", NEAR, False), ("::ffff:10.0.0.1", NEAR, True),
    ("127.0.0.1", ["127.0.0.1"], True), ("127.0.0.2", ["127.0.0.1"], False),
])  # fmt: skip
def test_headers_of_untrusted_peers_are_ignored(address: str, trusted: Any, believed: bool) -> None:
    fields = {"x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https"}
    told = Proxies(trusted, "x-forwarded-for").resolve(address, False, fields)
    assert told == (("1.2.3.4", True) if believed else (address, False))


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize(("header", "fields", "told"), [
    ("x-forwarded-for", {"x-forwarded-proto": "https"}, True),
    ("x-forwarded-for", {"x-forwarded-proto": "HTTP"}, False),
    ("x-forwarded-for", {"x-forwarded-proto": "https, http"}, False),  # the nearest proxy's word is the last
    ("x-forwarded-for", {"x-forwarded-proto": "wss"}, None), ("x-forwarded-for", {}, None),
    ("x-forwarded-for", {"forwarded": "proto=https"}, None),
    ("forwarded", {"forwarded": "for=1.2.3.4;proto=https"}, True),
    ("forwarded", {"forwarded": "for=1.2.3.4;proto=https, for=10.0.0.7;proto=http"}, False),
    ("forwarded", {"forwarded": "for=1.2.3.4;proto=https, for=10.0.0.7"}, None),
    ("forwarded", {"x-forwarded-proto": "https"}, None),
])  # fmt: skip
def test_scheme_is_the_one_of_the_nearest_proxy(
    header: Any, fields: dict[str, str], told: bool | None, secure: bool
) -> None:
    expected = secure if told is None else told
    assert Proxies(NEAR, header).resolve("10.0.0.1", secure, fields)[1] is expected
