"""Options that are mistaken: each gets one sentence at construction that says what to do."""

from __future__ import annotations

import re
from typing import Any

import pytest

from trio_socketio import CookieOptions, Cors, EngineServer, Outbox, Server

servers = pytest.mark.parametrize("server", [Server, EngineServer])


def message_of(server: Any, **options: Any) -> str:
    with pytest.raises((TypeError, ValueError)) as caught:
        server(**options)
    message = str(caught.value)
    assert "\n" not in message
    return message


@servers
@pytest.mark.parametrize(("name", "advice"), [
    ("cors_allowed_origins", "its name is 'cors'"), ("async_mode", "none is needed"),
    ("maxHttpBufferSize", "its name is 'max_http_buffer_size'"), ("pingInterval", "its name is 'ping_interval'"),
    ("allowEIO3", "its name is 'allow_eio3'"), ("perMessageDeflate", "its name is 'per_message_deflate'"),
    ("cors_credentials", "credentials=True"), ("socketio_path", "its name is 'path'"), ("logger", "logging.getLogger"),
    ("trustedProxies", "its name is 'trusted_proxies'"), ("async_handlers", "ordering='concurrent'"),
    ("client_manager", "no adapters"), ("connectionStateRecovery", "no recovery"), ("wsEngine", "none is needed"),
])  # fmt: skip
@pytest.mark.rows("P34", "A1")
def test_names_of_other_servers_are_translated(server: Any, name: str, advice: str) -> None:
    message = message_of(server, **{name: 1})
    assert message.startswith(f"{server.__name__} has no option {name!r}: ")
    assert advice in message


@pytest.mark.parametrize("name", ["connect_timeout", "connectTimeout"])
def test_connect_timeout_is_an_option_of_a_server_with_namespaces(name: str) -> None:
    message = message_of(EngineServer, **{name: 1})
    for part in (f"no option {name!r}", "of Server", "'hold_timeout'", "'admission_timeout'"):
        assert part in message
    assert "did you mean" not in message


@servers
@pytest.mark.parametrize("name", ["colour", "x", "debug", "redis_url", "workers", "room", "host", "timeout"])
@pytest.mark.rows("P34", "A1")
def test_name_like_no_option_gets_no_suggestion(server: Any, name: str) -> None:
    assert message_of(server, **{name: 1}) == f"{server.__name__} has no option {name!r}"


@servers
@pytest.mark.parametrize(("name", "suggestion"), [
    ("ping_intervall", "ping_interval"), ("max_http_buffersize", "max_http_buffer_size"), ("transport", "transports"),
    ("maxheaderbytes", "max_header_bytes"), ("pingTimout", "ping_timeout"), ("corss", "cors"),
])  # fmt: skip
@pytest.mark.rows("P34", "A1")
def test_mistyped_name_gets_a_suggestion(server: Any, name: str, suggestion: str) -> None:
    assert f"did you mean {suggestion!r}?" in message_of(server, **{name: 1})


@servers
@pytest.mark.parametrize(("options", "message"), [
    ({"cors": True}, "cors must be a list .*, not True"), ({"cors": None}, "cors must be a list .*, not None"),
    ({"cors": {"origin": "*"}}, "cors must be a list .* Cors"), ({"cors": [True]}, "cors must be a list"),
    ({"transports": "websocket"}, r"transports must be a list, such as \['websocket'\], not the text 'websocket'"),
    ({"transports": [1]}, "transports must be a list of texts"), ({"transports": None}, "transports must be a list"),
    ({"ping_interval": "3"}, "ping_interval must be a number of seconds, not '3'"),
    ({"ping_interval": True}, "ping_interval must be a number of seconds, not True"),
    ({"ping_interval": 25000}, "ping_interval is in seconds, .* milliseconds .* 25000 is out of range"),
    ({"request_timeout": None}, "request_timeout must be a number of seconds, not None"),
    ({"max_http_buffer_size": "1MB"}, "max_http_buffer_size must be a whole number, not '1MB'"),
    ({"max_http_buffer_size": 1e6}, "max_http_buffer_size must be a whole number"),
    ({"inbox_events": 2.5}, "inbox_events must be a whole number, not 2.5"),
    ({"allow_eio3": "no"}, "allow_eio3 must be True or False, not 'no'"),
    ({"add_trailing_slash": None}, "add_trailing_slash must be True or False"),
    ({"path": b"/x/"}, "path must be a text"), ({"health_path": True}, "health_path must be a text, not True"),
    ({"outbox": 1024}, r"outbox must be Outbox\(...\), not 1024"),
    ({"subprotocols": "chat"}, "subprotocols must be a list"), ({"trusted_proxies": True}, "trusted_proxies must be"),
    ({"cookie": {"name": "io"}}, r"cookie must be True, False, a name or CookieOptions\(...\), not {'name': 'io'}"),
    ({"cookie": 1}, "cookie must be"), ({"initial_packet": 5}, "initial_packet must be a text or bytes, not 5"),
    ({"initial_packet": "\ud800"}, "initial_packet must not hold a lone surrogate"),
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


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Outbox(max_packets="1"), "outbox: max_packets must be a whole number, not '1'"),  # type: ignore[arg-type]
    (lambda: Outbox(max_bytes=1.5), "outbox: max_bytes must be a whole number, not 1.5"),  # type: ignore[arg-type]
    (lambda: Outbox(policy=None), "outbox: policy must be a text, not None"),  # type: ignore[arg-type]
    (lambda: Cors(methods="GET"), r"cors: methods must be a list, such as \['GET'\], not the text 'GET'"),
    (lambda: Cors(allowed_headers="X-A"), "cors: allowed_headers must be a list"),
    (lambda: Cors(exposed_headers=[1]), "cors: exposed_headers must be a list of texts"),  # type: ignore[list-item]
    (lambda: Cors(max_age="60"), "cors: max_age must be a number of seconds, not '60'"),  # type: ignore[arg-type]
    (lambda: Cors(credentials="yes"), "cors: credentials must be True or False"),  # type: ignore[arg-type]
    (lambda: CookieOptions(max_age="60"), "cookie: max_age must be a number of seconds, not '60'"),  # type: ignore[arg-type]
    (lambda: CookieOptions(name=1), "cookie: name must be a text, not 1"),  # type: ignore[arg-type]
])  # fmt: skip
@pytest.mark.rows("P34")
def test_mistaken_field_gets_one_sentence(make: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        make()
    assert re.match(message, str(caught.value))


@pytest.mark.parametrize("engine", [True, "engine", Server()])
@pytest.mark.rows("P34")
def test_engine_is_an_engine_server(engine: Any) -> None:
    assert re.match(r"engine must be an EngineServer\(...\), not", message_of(Server, engine=engine))
