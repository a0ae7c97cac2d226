"""The options of a Socket.IO server, with its own engine and with a given one."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest
from support.descriptors import open_descriptors

from trio_socketio import EngineServer, Outbox, Server
from trio_socketio.server._config import ServerConfig
from trio_socketio.serving._config import EngineConfig


def test_server_has_the_options_of_its_engine_at_another_path() -> None:
    server, engine = ServerConfig(), EngineConfig()
    names = [item.name for item in fields(EngineConfig)]
    assert [name for name in names if getattr(server, name) != getattr(engine, name)] == ["path"]


def test_connection_takes_the_limits_of_the_server() -> None:
    options = ServerConfig(connect_timeout=1, max_attachments=2, max_http_buffer_size=3).connection_options()
    assert (options.connect_timeout, options.max_attachments, options.max_bytes) == (1, 2, 3)
    assert options.attachment_timeout == ServerConfig().attachment_timeout


@pytest.mark.rows("A11")
def test_options_of_a_given_engine_are_taken_over() -> None:
    io = Server(engine=EngineServer(path="/x/", ping_interval=3), connect_timeout=4)
    assert (io.path, io.config.ping_interval, io.connect_timeout) == ("/x/", 3, 4)


@pytest.mark.rows("A11")
def test_options_are_given_once() -> None:
    with pytest.raises(
        TypeError,
        match=re.escape("'ping_timeout' is an option of the engine: pass it to EngineServer(ping_timeout=…)"),
    ):
        Server(engine=EngineServer(), ping_timeout=3)
    with pytest.raises(TypeError, match="no option 'maxattachments'; did you mean 'max_attachments'"):
        Server(engine=EngineServer(), maxattachments=3)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="max_attachments"):
        Server(engine=EngineServer(), max_attachments=0)
    assert Server(engine=EngineServer(), connect_timeout=3).connect_timeout == 3


@pytest.mark.parametrize("engine", [True, "engine", Server()])
@pytest.mark.rows("P34")
def test_engine_is_an_engine_server(engine: Any) -> None:
    with pytest.raises(TypeError, match=re.escape("engine must be an EngineServer(...), not")):
        Server(engine=engine)


@pytest.mark.rows("A1")
def test_construction_does_no_io_and_needs_no_loop() -> None:
    before = open_descriptors()
    io = Server(
        ping_interval=1.5, transports=["websocket"], outbox=Outbox(policy="block"), cors="https://a.example"
    )
    io.on("connection", lambda socket: None)
    io.of("/x").use(lambda socket: None)
    assert io.config.ping_interval == 1.5
    assert open_descriptors() == before


@pytest.mark.rows("A1")
def test_unknown_option_suggests_the_nearest_name() -> None:
    with pytest.raises(TypeError, match="no option 'ping_intervall'; did you mean 'ping_interval'"):
        Server(ping_intervall=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="its name is 'max_http_buffer_size'"):
        Server(maxHttpBufferSize=3)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("ping_interval", 0),
        ("ping_timeout", -1),
        ("connect_timeout", float("inf")),
        ("max_http_buffer_size", 0),
        ("inbox_events", 0),
        ("transports", ["flash"]),
        ("transports", []),
        ("path", "socket.io"),
        ("ordering", "random"),
    ],
)
def test_bad_values_are_refused(option: str, value: object) -> None:
    with pytest.raises(ValueError, match=option):
        Server(**{option: value})  # type: ignore[misc]


def test_outbox_refuses_unknown_policies_and_sizes() -> None:
    with pytest.raises(ValueError, match="policy must be one of"):
        Outbox(policy="keep")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="max_packets must be at least 1"):
        Outbox(max_packets=0)
