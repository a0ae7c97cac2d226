"""A server that was held does not end the sessions of clients that have answered meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.certificates import certificate_in
from support.held import LONG, HeldClient, HeldServer, Kind
from support.wire import client_frame

#: A client gives up when it has seen no ping for both together, so after more than the server is held.
TIMES = {"ping_interval": 1.0, "ping_timeout": 1.0}
HELD = 1.5

#: How clients answer, and the revision that they speak.
KINDS: list[tuple[Kind, int]] = [
    ("websocket", 4),
    ("open", 4),
    ("new", 4),
    ("websocket", 3),
    ("open", 3),
    ("new", 3),
]

#: So many of each kind.
CLIENTS = 3


class Crowd:
    """Clients of each kind, who wait for a ping, then for the server to be held, and then answer."""

    def __init__(self, server: HeldServer) -> None:
        self._server = server
        count = CLIENTS * len(KINDS)
        self.pinged = threading.Barrier(count + 1, timeout=LONG)
        self.held = threading.Barrier(count + 1, timeout=LONG)
        self._pool = ThreadPoolExecutor(count)
        self._lives = [
            (self._pool.submit(self._live, kind, revision), kind, revision)
            for kind, revision in KINDS
            for _ in range(CLIENTS)
        ]

    def _live(self, kind: Kind, revision: int) -> None:
        with closing(HeldClient(self._server, kind, revision)) as client:
            client.wait_for_ping()
            self.pinged.wait()
            self.held.wait()
            client.answer()
            client.check()

    def lost(self) -> list[tuple[str, int]]:
        """Those whose sessions have ended."""
        with self._pool:
            return [
                (kind, revision)
                for life, kind, revision in self._lives
                if isinstance(life.exception(LONG), ConnectionError)
            ]


def _stop(server: HeldServer, crowd: Crowd) -> None:
    server.hold()
    crowd.held.wait()
    time.sleep(HELD)
    server.go_on()


def _block(server: HeldServer, crowd: Crowd) -> None:
    with closing(HeldClient(server, "websocket")) as client:
        client.stream.sendall(client_frame(1, b"40"))
        client.read_until(b"40{")
        client.stream.sendall(client_frame(1, f'42["block",{HELD}]'.encode()))
        assert server.said() == "blocked\n"
        crowd.held.wait()
        assert crowd.lost() == []


@pytest.mark.rows("P10")
@pytest.mark.parametrize(
    ("driver", "hold"),
    [
        ("auto", _stop),
        pytest.param("auto", _block, marks=pytest.mark.slow),
        pytest.param("stream", _stop, marks=pytest.mark.slow),
        ("stream", _block),
        pytest.param("tls", _stop, marks=pytest.mark.slow),
    ],
)
def test_late_server_keeps_clients_that_have_answered(
    tmp_path: Path, driver: str, hold: Callable[[HeldServer, Crowd], None]
) -> None:
    options: dict[str, Any] = {"driver": "auto" if driver == "tls" else driver, "allow_eio3": True, **TIMES}
    context = None
    if driver == "tls":
        context, options["certificate"] = certificate_in(tmp_path)
    with HeldServer.run(context, **options) as server:
        crowd = Crowd(server)
        crowd.pinged.wait()
        hold(server, crowd)
        assert crowd.lost() == []


@pytest.mark.rows("P10", "B11")
@pytest.mark.parametrize("driver", ["auto", pytest.param("stream", marks=pytest.mark.slow)])
def test_late_server_ends_sessions_of_clients_that_have_not_answered(driver: str) -> None:
    interval = timeout = 0.3
    with HeldServer.run(
        driver=driver, allow_eio3=True, ping_interval=interval, ping_timeout=timeout
    ) as server:
        clients = [HeldClient(server, kind, revision) for kind, revision in KINDS]
        for client in clients:
            client.wait_for_ping()
        server.hold()
        time.sleep(1.5 * timeout)
        server.go_on()
        time.sleep(interval + 2 * timeout + 0.5)
        for client in clients:
            with closing(client), pytest.raises(ConnectionError):
                client.check()


@pytest.mark.rows("P10")
@pytest.mark.parametrize("tls", [pytest.param(False, marks=pytest.mark.slow), True])
def test_answer_that_waits_for_a_free_descriptor_keeps_the_session(tmp_path: Path, tls: bool) -> None:
    """Accepting pauses, so the answer cannot come in time; the client has its whole time nevertheless."""
    options: dict[str, Any] = {"descriptors": 64, "ping_interval": 1.2, "ping_timeout": 0.5}
    context = None
    if tls:
        context, options["certificate"] = certificate_in(tmp_path)
    with HeldServer.run(context, **options) as server, closing(HeldClient(server, "new")) as client:
        others = [server.connect_plain() for _ in range(100)]
        client.wait_for_ping()
        with ThreadPoolExecutor() as pool:
            answering = pool.submit(client.answer)
            time.sleep(1.0)
            assert not answering.done()
            for other in others:
                other.close()
            answering.result(LONG)
            client.check()
