"""TLS handshakes of many clients at once: they are done a few at a time, and end when the server stops."""

from __future__ import annotations

import ssl

import pytest
import trio
from support.certificates import certificate_in
from support.handlers import counted_turns
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from trio_socketio.net._tls import TlsHandshakes

CLIENTS = 20


Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    """Return the TLS contexts for clients and servers."""
    client, certificate = certificate_in(tmp_path_factory.mktemp("tls"))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate)
    return client, server


async def test_other_tasks_run_between_handshakes(nursery: trio.Nursery, both: Contexts) -> None:
    handshakes = TlsHandshakes(10.0)
    nursery.start_soon(handshakes.run)
    ours, theirs = zip(*(memory_stream_pair() for _ in range(CLIENTS)), strict=True)
    clients = [trio.SSLStream(stream, both[0], server_hostname="localhost") for stream in theirs]
    servers = [trio.SSLStream(stream, both[1], server_side=True) for stream in ours]
    begun = 0

    async def shake_hands(server: trio.SSLStream[trio.abc.Stream]) -> None:
        nonlocal begun
        await handshakes.shake_hands(server)
        begun += 1

    async with trio.open_nursery() as clients_nursery:
        for client in clients:
            clients_nursery.start_soon(client.do_handshake)
        await wait_all_tasks_blocked()  # each client waits for the server
        async with counted_turns() as turns, trio.open_nursery() as servers_nursery:
            for server in servers:
                servers_nursery.start_soon(shake_hands, server)
        assert turns.count > 5  # 1 + 2 + 3 + 4 + 5 + 6 begin in as many passes, if they take no time at all
    assert begun == CLIENTS
    nursery.cancel_scope.cancel()


async def test_wait_for_a_turn_ends_when_the_server_stops(autojump_clock: MockClock, both: Contexts) -> None:
    handshakes = TlsHandshakes(10.0)  # its method run is not called, so no handshake begins
    refused = 0

    async def shake_hands() -> None:
        nonlocal refused
        server = trio.SSLStream(memory_stream_pair()[0], both[1], server_side=True)
        with pytest.raises(trio.TooSlowError):
            await handshakes.shake_hands(server)
        refused += 1

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(shake_hands)
        await wait_all_tasks_blocked()
        await trio.sleep(60)  # the time in which they wait does not count
        assert refused == 0
        handshakes.stop()
    assert refused == 3
    await shake_hands()  # at once


async def test_client_that_takes_too_long_is_refused(
    autojump_clock: MockClock, nursery: trio.Nursery, both: Contexts
) -> None:
    handshakes = TlsHandshakes(10.0)
    nursery.start_soon(handshakes.run)
    began = trio.current_time()
    with pytest.raises(trio.TooSlowError):
        await handshakes.shake_hands(trio.SSLStream(memory_stream_pair()[0], both[1], server_side=True))
    assert trio.current_time() - began == 10.0
    nursery.cancel_scope.cancel()
