"""A client that receives slowly stays connected while it receives and answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.certificates import certificate_in
from support.held import LONG, HeldClient, HeldServer, Kind

TIMES = {"ping_interval": 0.6, "ping_timeout": 0.6}

#: More than the kernel's buffers hold, and at this speed twice both together.
MEGABYTES = 4
PIECE, EVERY = 16_384, 0.01

END = b'xx"]'

KINDS: list[tuple[Kind, int]] = [("websocket", 4), ("open", 4), ("websocket", 3), ("open", 3)]


def _receive_slowly(server: HeldServer, kind: Kind, revision: int) -> None:
    """Ask for a large message, read it slowly, and answer pings only then."""
    with closing(HeldClient(server, kind, revision, receive_buffer=PIECE)) as client:
        client.join()
        client.send(f'42["fill",{MEGABYTES}000000]')
        client.read_slowly(END, PIECE, EVERY)
        client.answer()
        client.check()


@pytest.mark.rows("P11")
@pytest.mark.parametrize(
    "driver", ["auto", *(pytest.param(driver, marks=pytest.mark.slow) for driver in ("stream", "tls"))]
)
def test_client_that_receives_a_message_slowly_stays_connected(tmp_path: Path, driver: str) -> None:
    options: dict[str, Any] = {"driver": "auto" if driver == "tls" else driver, "allow_eio3": True, **TIMES}
    context = None
    if driver == "tls":
        context, options["certificate"] = certificate_in(tmp_path)
    with HeldServer.run(context, request_timeout=1.0, **options) as server, ThreadPoolExecutor() as pool:
        clients = [pool.submit(_receive_slowly, server, *kind) for kind in KINDS]
        assert [client.exception(LONG) for client in clients] == [None] * len(KINDS)


def _only_receive(client: HeldClient) -> None:
    client.send('42["stream"]')


def _receive_much(client: HeldClient) -> None:
    client.send('42["fill",4000000]')


def _until_closed(client: HeldClient) -> float:
    """Read everything, and answer nothing."""
    began = time.monotonic()
    with pytest.raises(ConnectionError):
        client.read_until(b"this never comes")
    return time.monotonic() - began


@pytest.mark.rows("P11", "B11")
@pytest.mark.parametrize(
    ("driver", "receive", "timeouts"),
    [
        ("auto", _only_receive, 1),
        pytest.param("stream", _only_receive, 1, marks=pytest.mark.slow),
        pytest.param("auto", _receive_much, 2, marks=pytest.mark.slow),
        ("stream", _receive_much, 2),
    ],
)
def test_client_that_only_receives_is_closed(
    driver: str, receive: Callable[[HeldClient], None], timeouts: int
) -> None:
    with HeldServer.run(driver=driver, **TIMES) as server, closing(HeldClient(server, "websocket")) as client:
        client.join()
        receive(client)
        most = TIMES["ping_interval"] + timeouts * TIMES["ping_timeout"] + 0.5
        assert _until_closed(client) < most
        assert server.said() == "ping timeout\n"


@pytest.mark.rows("P11", "E16")
@pytest.mark.parametrize("driver", ["auto", pytest.param("stream", marks=pytest.mark.slow)])
def test_client_that_stops_receiving_is_closed(driver: str) -> None:
    """What the kernel takes of the message meanwhile is no sign of life."""
    with HeldServer.run(driver=driver, **TIMES) as server:
        with closing(HeldClient(server, "websocket", receive_buffer=PIECE)) as client:
            client.join()
            began = time.monotonic()
            for _ in range(3):
                client.send('42["fill",1000000]')
            assert server.said() in ("ping timeout\n", "transport close\n")
            assert time.monotonic() - began < sum(TIMES.values()) + TIMES["ping_timeout"] + 0.5
