"""Fixtures for all tests."""

from __future__ import annotations

import gc
import logging
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import hypothesis
import pytest
import trio
from mixed_cluster import matrix
from support.links import LINKS, Link
from support.wire import Wire

from trio_socketio import EngineServer, Server
from trio_socketio._core import Reactor

# A shell ignores SIGINT for programs in the background, and child processes inherit this. Undo it.
signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("full", deadline=None)  # tests must not fail on a busy machine
hypothesis.settings.register_profile("quick", deadline=None, max_examples=40)
hypothesis.settings.load_profile("full")

Running = Callable[[Server | EngineServer], AbstractAsyncContextManager[Wire]]


@pytest.fixture(autouse=True)
def no_internal_error(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail the test if an internal error was logged. The server contains such errors, so they do not raise."""
    yield
    failures = [record for record in caplog.get_records("call") if record.levelno == logging.CRITICAL]
    assert not failures, failures[0].exc_text


STREAM_ONLY = (
    "stream_only(reason): uses what only the stream driver has; "
    "all other tests that use `running` or `link` are run over both drivers"
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", STREAM_ONLY)
    for argument in config.args:  # pytest-xdist runs no tests then, and prints no reason
        if not Path(argument.partition("::")[0]).exists():
            raise pytest.UsageError(f"file or directory not found: {argument}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for group in terminalreporter.stats.values() for report in group]
    if table := matrix.lines(report for report in reports if isinstance(report, pytest.TestReport)):
        terminalreporter.section("servers of ours and of Node in one cluster")
        terminalreporter.write_line("\n".join(table))


def pytest_collection_finish() -> None:
    """Exclude the objects that exist now from garbage collections: several hundred thousand, which stay to the end."""
    gc.collect()
    gc.freeze()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test with ``link`` over both drivers; with ``parser``, also with each parser of requests."""
    if "link" in metafunc.fixturenames:
        stream_only = Reactor is None or metafunc.definition.get_closest_marker("stream_only")
        drivers = ["stream"] if stream_only else list(LINKS)
        if "parser" in metafunc.fixturenames:
            pairs = [(driver, "h11") for driver in drivers] + [(drivers[-1], "httptools")]
            metafunc.parametrize(("link", "parser"), pairs, indirect=["link"])
        else:
            metafunc.parametrize("link", drivers, indirect=True)


@pytest.fixture
def link(request: pytest.FixtureRequest) -> Iterator[Link]:
    """The connections between clients and the server. A test that uses this fixture runs over both drivers."""
    link = LINKS[request.param]()
    yield link
    link.close()


@pytest.fixture
def running(link: Link) -> Running:
    """Run a server, and open connections to it, in memory or over sockets: ``async with running(io) as wire:``.

    At the end, the client connections are dropped first, because a server that stops waits for the reply to its close
    frame.
    """

    @asynccontextmanager
    async def run(io: Server | EngineServer) -> AsyncIterator[Wire]:
        async with trio.open_nursery() as nursery:
            async with io:
                wire = Wire(io, nursery, link)
                yield wire
                await wire.aclose()
            nursery.cancel_scope.cancel()

    return run
