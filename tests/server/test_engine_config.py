"""The options of a server that serves an engine: defaults, conversions, and values that are refused."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from datetime import datetime
from typing import Any, get_type_hints

import pytest
from support.engine import Bench

from trio_socketio import EngineServer, Server
from trio_socketio.engineio import CookieOptions, Cors, EngineOptions, HttpCompression, PerMessageDeflate
from trio_socketio.net import HostOptions, HttpLimits
from trio_socketio.server._config import ServerConfig, ServerOptions
from trio_socketio.server._engine_config import EngineConfig, EngineServerOptions


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
def test_what_an_option_means(name: str, value: Any, meaning: Any) -> None:
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


@pytest.mark.parametrize("item", fields(ServerConfig), ids=lambda item: item.name)
def test_each_option_is_checked_or_converted(item: Any) -> None:
    assert item.metadata["check"] is not None or item.metadata["convert"] is not None


@pytest.mark.parametrize(("name", "value"), [
    ("subprotocols", ["a b"]), ("subprotocols", [""]), ("initial_packet", "a\x1eb"),
    ("trusted_proxies", ["10.0.0.1/8"]), ("trusted_proxies", ["proxy.example"]), ("proxy_header", "x-real-ip"),
    ("health_path", "healthz"), ("health_path", "/socket.io"),
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
def test_fields_out_of_range(kind: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        kind(**fields)


@pytest.mark.parametrize(("origin", "allowed"), [
    ("https://a.example", True), ("https://b.example", True), ("https://b.example.evil", False),
    ("https://evil/https://b.example", False), ("null", False),
])  # fmt: skip
def test_origins_are_texts_and_whole_patterns(origin: str, allowed: bool) -> None:
    cors = Cors(origin=["https://a.example", re.compile(r"https://[bc]\.example")])
    assert cors.allows(origin, Bench().request("")) is allowed


def test_function_says_which_origins_may_come() -> None:
    cors = Cors(origin=lambda origin, request: origin == request.query["from"])
    request = Bench().request("from=null")
    assert cors.allows("null", request) is True
    assert cors.allows("https://a.example", request) is False


@pytest.mark.parametrize("kind", [HttpCompression, PerMessageDeflate])
def test_prices_of_compression_are_whole_numbers(kind: Any) -> None:
    with pytest.raises(TypeError, match=r"level must be a whole number, not 1\.5"):
        kind(level=1.5)


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
