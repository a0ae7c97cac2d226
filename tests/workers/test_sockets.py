"""The listening sockets of the slots."""

from __future__ import annotations

import errno
import socket
from collections import Counter

import pytest
from support.descriptors import no_leak
from support.worker_programs import needs_linux

from trio_socketio.workers._sockets import close_sockets, open_sockets

pytestmark = needs_linux


def test_each_slot_has_its_own_socket_on_one_port() -> None:
    with no_leak():
        slots = open_sockets("127.0.0.1", 0, 3)
        try:
            assert [len(sockets) for sockets in slots] == [1, 1, 1]
            assert len({sockets[0].getsockname() for sockets in slots}) == 1
            assert len({sockets[0].fileno() for sockets in slots}) == 3
        finally:
            close_sockets(slots)


def test_connections_reach_all_slots() -> None:
    slots = open_sockets("127.0.0.1", 0, 2)
    clients = [socket.create_connection(slots[0][0].getsockname()) for _ in range(64)]
    try:
        accepted: Counter[int] = Counter()
        for number, (listening,) in enumerate(slots):
            listening.setblocking(False)
            try:
                while True:
                    listening.accept()[0].close()
                    accepted[number] += 1
            except BlockingIOError:
                pass
        assert accepted.total() == 64
        assert len(accepted) == 2
    finally:
        for client in clients:
            client.close()
        close_sockets(slots)


def test_all_addresses_of_a_host_are_bound() -> None:
    slots = open_sockets(None, 0, 2)
    try:
        families = {listening.family for listening in slots[0]}
        assert socket.AF_INET in families
        assert len({listening.getsockname()[1] for sockets in slots for listening in sockets}) == 1
    finally:
        close_sockets(slots)


@pytest.mark.parametrize("shares", [False, True], ids=["a plain socket", "one with SO_REUSEPORT"])
def test_port_of_another_server_is_refused(shares: bool) -> None:
    with no_leak(), socket.socket() as other:
        if shares:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OSError) as refused:
            open_sockets("127.0.0.1", other.getsockname()[1], 2)
        assert refused.value.errno == errno.EADDRINUSE


def test_address_of_another_host_is_refused() -> None:
    with no_leak(), pytest.raises(OSError) as refused:
        open_sockets("192.0.2.1", 0, 2)
    assert refused.value.errno == errno.EADDRNOTAVAIL
