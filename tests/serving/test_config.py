"""The options that both servers share: defaults, conversions, and refused values."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any, get_type_hints

import pytest

from trio_socketio.engineio import CookieOptions, Cors, EngineOptions, HttpCompression, PerMessageDeflate
from trio_socketio.net import HostOptions, HttpLimits
from trio_socketio.server._config import ServerConfig, ServerOptions
from trio_socketio.serving._config import EngineConfig, EngineServerOptions


def test_new_options_are_off_but_for_http_compression() -> None:
    options = EngineConfig().engine_options()
    assert (options.allow_eio3, options.jsonp, options.cookie, options.allow_request) == (
        False, False, None, None
    )  # fmt: skip
    assert (options.per_message_deflate, options.subprotocols, options.initial_packet) == (None, None, None)
    assert (options.trusted_proxies, options.http_compression) == ((), HttpCompression())


@pytest.mark.parametrize(("name", "value", "meaning"), [
    ("cors", "https://a.example", Cors(origin="https://a.example")),
    ("cors", ["https://a.example"], Cors(origin=["https://a.example"])),
    ("cors", Cors(credentials=True), Cors(credentials=True)),
    ("cookie", True, CookieOptions()), ("cookie", False, None), ("cookie", "lb", CookieOptions(name="lb")),
    ("cookie", CookieOptions(path=None), CookieOptions(path=None)),
    ("http_compression", False, None), ("http_compression", True, HttpCompression()),
    ("http_compression", HttpCompression(level=1), HttpCompression(level=1)),
    ("per_message_deflate", True, PerMessageDeflate()), ("per_message_deflate", False, None),
    ("per_message_deflate", PerMessageDeflate(level=1), PerMessageDeflate(level=1)),
    ("subprotocols", ["a", "b"], ("a", "b")), ("subprotocols", [], ()),
    ("cors", "file://", Cors(origin="file://")),
    ("trusted_proxies", ["10.0.0.0/8", "::1", "unix"], ("10.0.0.0/8", "::1", "unix")),
])  # fmt: skip
def test_options_are_converted(name: str, value: Any, meaning: Any) -> None:
    assert getattr(EngineConfig.make({name: value}).engine_options(), name) == meaning


def test_every_option_of_the_engine_comes_from_the_servers() -> None:
    async def allow(request: object) -> None: ...

    given: dict[str, Any] = {
        "allow_eio3": True, "jsonp": True, "allow_request": allow, "initial_packet": b"hello",
        "proxy_header": "forwarded", "admission_timeout": 3.0,
    }  # fmt: skip
    options = EngineConfig.make(given).engine_options()
    assert {name: getattr(options, name) for name in given} == given


def test_lower_layers_have_no_defaults_of_their_own() -> None:
    for kind in (EngineOptions, HttpLimits, HostOptions):
        for item in fields(kind):
            assert (item.default, item.default_factory) == (MISSING, MISSING), item.name
    for kind in (EngineOptions, HttpLimits):
        assert {item.name for item in fields(kind)} <= {item.name for item in fields(EngineConfig)}


@pytest.mark.parametrize(
    ("config", "options"), [(EngineConfig, EngineServerOptions), (ServerConfig, ServerOptions)]
)
def test_keyword_arguments_are_the_fields_of_the_config(config: Any, options: Any) -> None:
    hints = get_type_hints(config)
    assert get_type_hints(options) == {item.name: hints[item.name] for item in fields(config)}
