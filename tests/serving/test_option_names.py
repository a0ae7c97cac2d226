"""An unknown option raises an error that suggests the right name."""

from __future__ import annotations

from typing import Any

import pytest

from trio_socketio import EngineServer, Server

servers = pytest.mark.parametrize("server", [Server, EngineServer])


def message_of(server: Any, **options: Any) -> str:
    with pytest.raises(TypeError) as caught:
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
