"""A wrong value of an option raises an error of one sentence that says what to write."""

from __future__ import annotations

import re
from typing import Any

import pytest

from trio_socketio import EngineServer, HttpCompression, Server
from trio_socketio.server._config import ServerConfig

servers = pytest.mark.parametrize("server", [Server, EngineServer])


def message_of(server: Any, **options: Any) -> str:
    with pytest.raises((TypeError, ValueError)) as caught:
        server(**options)
    message = str(caught.value)
    assert "\n" not in message
    return message


@servers
@pytest.mark.parametrize(("options", "message"), [
    ({"cors": True}, "cors must be a list .*, not True"), ({"cors": None}, "cors must be a list .*, not None"),
    ({"cors": {"origin": "*"}}, "cors must be a list .* Cors"), ({"cors": [True]}, "cors must be a list"),
    ({"transports": "websocket"}, r"transports must be a list, such as \['websocket'\], not the str 'websocket'"),
    ({"transports": [1]}, "transports must be a list of str"), ({"transports": None}, "transports must be a list"),
    ({"ping_interval": "3"}, "ping_interval must be a number of seconds, not '3'"),
    ({"ping_interval": True}, "ping_interval must be a number of seconds, not True"),
    ({"ping_interval": 25000}, "ping_interval is in seconds, .* milliseconds .* 25000 is out of range"),
    ({"request_timeout": None}, "request_timeout must be a number of seconds, not None"),
    ({"max_http_buffer_size": "1MB"}, "max_http_buffer_size must be a whole number, not '1MB'"),
    ({"max_http_buffer_size": 1e6}, "max_http_buffer_size must be a whole number"),
    ({"inbox_events": 2.5}, "inbox_events must be a whole number, not 2.5"),
    ({"allow_eio3": "no"}, "allow_eio3 must be True or False, not 'no'"),
    ({"add_trailing_slash": None}, "add_trailing_slash must be True or False"),
    ({"path": b"/x/"}, "path must be a str"), ({"health_path": True}, "health_path must be a str, not True"),
    ({"outbox": 1024}, r"outbox must be Outbox\(...\), not 1024"),
    ({"subprotocols": "chat"}, "subprotocols must be a list"), ({"trusted_proxies": True}, "trusted_proxies must be"),
    ({"cookie": {"name": "io"}}, r"cookie must be True, False, a name or CookieOptions\(...\), not {'name': 'io'}"),
    ({"cookie": 1}, "cookie must be"), ({"initial_packet": 5}, "initial_packet must be a str or bytes, not 5"),
    ({"initial_packet": "\ud800"}, "initial_packet must not contain a lone surrogate"),
    ({"static_files": "public"}, "static_files must be a dict of request paths .*, not 'public'"),
    ({"static_files": {"/x": 1}}, "static_files must be a dict"),
    ({"static_files": None}, "static_files must be a dict"),
])  # fmt: skip
@pytest.mark.rows("P34", "P26")
def test_mistaken_value_gets_one_sentence(server: Any, options: dict[str, Any], message: str) -> None:
    assert re.match(message, message_of(server, **options))


@pytest.mark.parametrize("value", [True, False, 1])
@pytest.mark.rows("P34")
def test_folder_of_the_client_is_a_path(value: Any) -> None:
    assert re.match(
        "serve_client must be the path .*'dist'.*, or None", message_of(Server, serve_client=value)
    )


@pytest.mark.parametrize(("name", "value"), [
    ("subprotocols", ["a b"]), ("subprotocols", [""]), ("initial_packet", "a\x1eb"),
    ("trusted_proxies", ["10.0.0.1/8"]), ("trusted_proxies", ["proxy.example"]), ("proxy_header", "x-real-ip"),
    ("health_path", "healthz"), ("health_path", "/socket.io"),
    ("asgi_root_path", "api"), ("asgi_root_path", "/without-asgi"),
    ("asgi_root_path", "/api/"), ("asgi_root_path", "/a?b"), ("asgi_root_path", "/%41"),
    ("connect_timeout", 0), ("hold_timeout", 0), ("admission_timeout", 0), ("upgrade_timeout", -1),
    ("polling_close_timeout", float("nan")), ("ping_timeout", float("inf")), ("transports", ("flash",)),
    ("cors", "example.com"), ("cors", ["https://a.example/"]), ("cors", "https://a.example/path"),
    ("cookie", "a b"), ("cookie", "a;b"), ("cookie", ""),
])  # fmt: skip
def test_values_out_of_range_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        ServerConfig.make({name: value})


@pytest.mark.parametrize(("name", "value"), [
    ("allow_request", "yes"), ("generate_id", "abc"), ("subprotocols", "chat"), ("trusted_proxies", "10.0.0.0/8"),
    ("per_message_deflate", {"threshold": 0}), ("per_message_deflate", HttpCompression()),
    ("http_compression", {"threshold": 0}), ("http_compression", "gzip"),
])  # fmt: skip
def test_values_of_another_kind_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=name):
        ServerConfig.make({name: value})


@pytest.mark.rows("P26")
@pytest.mark.parametrize("name", ["ping_interval", "ping_timeout"])
@pytest.mark.parametrize("seconds", [25000, 3600.1, 0.0009, 20_000.0])
def test_heartbeat_in_milliseconds_is_refused(name: str, seconds: float) -> None:
    for server in (Server, EngineServer):
        with pytest.raises(ValueError, match=rf"{name} is in seconds.* not in milliseconds.*{seconds!r}"):
            server(**{name: seconds})


@pytest.mark.rows("P26")
@pytest.mark.parametrize("seconds", [0.001, 1, 25.0, 3600])
def test_heartbeat_is_as_long_as_its_limits(seconds: float) -> None:
    assert Server(ping_interval=seconds, ping_timeout=seconds).config.ping_interval == seconds
