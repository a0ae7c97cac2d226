"""The chat example in a real browser: the page and the server that people will try first."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.chat_server import ChatServer, line_of, modules, running, tell

from tools import BUILD, require_tool

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HERE = Path(__file__).parent
DRIVER_SECONDS = 100

#: What chat_checks.cjs looks at, each on a page of its own.
CHECKS = [
    "addresses",
    "surrogates",
    "escape",
    "focus on a room",
    "focus on a room that is gone",
    "large picture",
    "large picture with transparency",
    "picture that cannot be read",
    "own messages after a reload",
    "roles",
    "names of speakers",
    "typing is announced",
    "contrast",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> ChatServer:
    require_tool("chromium", "chromium-browser", debian="chromium")
    return ChatServer(tmp_path_factory.mktemp("chat"))


@pytest.fixture(scope="module")
def served(server: ChatServer) -> Iterator[str]:
    """A server that all checks share; each has rooms of its own."""
    with server.running():
        yield server.url


def driver(script: str, *args: str) -> list[str]:
    artifacts = BUILD / "artifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    node = require_tool("node", debian="nodejs")
    chromium = require_tool("chromium", "chromium-browser", debian="chromium")
    return [node, str(HERE / script), args[0], chromium, str(artifacts), *args[1:]]


@pytest.mark.rows("P39")
@pytest.mark.parametrize("check", CHECKS)
def test_page(served: str, check: str) -> None:
    command = driver("chat_checks.cjs", served, check)
    with running(command, DRIVER_SECONDS, NODE_PATH=str(modules())) as process:
        assert line_of(process) == ""


def test_two_people_talk_through_a_restart_of_the_server(tmp_path: Path) -> None:
    server = ChatServer(tmp_path)
    with server.running() as first:
        command = driver("chat_page.cjs", server.url)
        with running(command, DRIVER_SECONDS, NODE_PATH=str(modules())) as process:
            assert line_of(process) == "pause"
            first.send_signal(signal.SIGSTOP)
            tell(process, "done")
            assert line_of(process) == "resume"
            first.send_signal(signal.SIGCONT)
            tell(process, "done")
            assert line_of(process) == "kill"
            first.kill()
            first.wait()
            tell(process, "done")
            assert line_of(process) == "start"
            with server.running() as second:
                tell(process, "done")
                assert line_of(process) == ""
                server.ends_quietly(second)
