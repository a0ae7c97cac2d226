"""Loading the server of an application by the name of its module."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trio_socketio import EngineServer, Server
from trio_socketio.workers._target import TargetError, load

MODULE = """
from trio_socketio import EngineServer, Server

io = Server()
eio = EngineServer()
number = 5


def make():
    return Server(ping_interval=3.0)


def make_nothing():
    return None


async def make_later():
    return io


def fail():
    raise LookupError("no database")


class Settings:
    io = io
"""


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "application.py").write_text(MODULE)
    (tmp_path / "without.py").write_text("import a_module_that_is_missing\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in ("application", "without"):
        sys.modules.pop(name, None)


def test_load_returns_the_server() -> None:
    assert isinstance(load("application:io"), Server)
    assert isinstance(load("application:eio"), EngineServer)
    assert load("application:Settings.io") is load("application:io")


def test_load_calls_a_function_that_makes_a_server() -> None:
    assert load("application:make").config.ping_interval == 3.0


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("missing:io", "there is no module 'missing'"),
        ("application.inner:io", "there is no module 'application.inner'"),
        ("application:nothing", "the module 'application' has no 'nothing'"),
        ("application:number", "must be a Server or an EngineServer, or return one, and is 5"),
        ("application:make_nothing", "and is None"),
        ("application:make_later", "is an async function"),
        ("application:Settings", "must be a Server"),
    ],
)
def test_load_refuses_what_is_no_server(target: str, text: str) -> None:
    with pytest.raises(TargetError, match=text):
        load(target)


def test_load_passes_on_errors_of_the_application() -> None:
    with pytest.raises(ModuleNotFoundError, match="a_module_that_is_missing"):
        load("without:io")
    with pytest.raises(LookupError, match="no database"):
        load("application:fail")
