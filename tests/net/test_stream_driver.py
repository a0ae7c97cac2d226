"""The stream driver, with a session and a client, and without HTTP."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.engine import Bench
from support.raw import read_all
from support.websockets import open_session
from support.wire import client_frame
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from trio_socketio._core import Message
from trio_socketio.errors import DisconnectReason
from trio_socketio.net._hang_ups import HangUps
from trio_socketio.net._lingering import CLOSE_TIMEOUT
from trio_socketio.net._stream_driver import StreamDriver

CLOSE = client_frame(8, b"\x03\xe8")


class Served:
    """A driver that serves a stream in memory.

    Attributes:
        driver: the driver.
        above: the layer above its session.
        client: the client's end of the stream.
        ended: set when the driver has returned.
    """

    def __init__(self) -> None:
        ours, self.client = memory_stream_pair()
        self.driver = StreamDriver(ours, 5.0, HangUps())
        self.above = open_session(Bench(), self.driver)
        self.ended = trio.Event()

    async def run(self, trailing: bytes) -> None:
        await self.driver.run(trailing)
        self.ended.set()


async def serve(nursery: trio.Nursery, trailing: bytes = b"") -> Served:
    """Start a driver, and read the open packet."""
    served = Served()
    nursery.start_soon(served.run, trailing)
    assert b'0{"sid":' in await served.client.receive_some(1000)
    return served


async def test_bytes_after_the_opening_handshake_are_read_first(
    autojump_clock: Any, nursery: trio.Nursery
) -> None:
    served = await serve(nursery, client_frame(1, b"4one"))
    await served.client.send_all(client_frame(1, b"4two"))
    await wait_all_tasks_blocked()
    assert served.above.messages == ["one", "two"]


@pytest.mark.parametrize("answers", [True, False])
async def test_close_waits_for_the_close_frame_of_the_client(
    autojump_clock: Any, nursery: trio.Nursery, answers: bool
) -> None:
    served = await serve(nursery)
    now = trio.current_time()
    served.above.session.close(DisconnectReason.FORCED_CLOSE, "closed by the test", now=now)
    assert (await served.client.receive_some(1000))[0] == 0x88
    if answers:
        await served.client.send_all(CLOSE)
    await served.ended.wait()
    assert trio.current_time() - now == pytest.approx(0.0 if answers else CLOSE_TIMEOUT)
    assert served.above.reason is DisconnectReason.FORCED_CLOSE


async def test_client_that_ends_the_stream_is_reported(autojump_clock: Any, nursery: trio.Nursery) -> None:
    served = await serve(nursery)
    await served.client.aclose()
    await served.ended.wait()
    assert served.above.ended == [(DisconnectReason.TRANSPORT_CLOSE, "the client ended the connection")]


@pytest.mark.parametrize("queued", [False, True])
async def test_abort_ends_at_once_and_sends_nothing(
    autojump_clock: Any, nursery: trio.Nursery, queued: bool
) -> None:
    served = await serve(nursery)
    await wait_all_tasks_blocked()
    now = trio.current_time()
    if queued:
        served.above.session.send(Message("queued"))
    served.driver.abort(goodbye=False)
    assert await read_all(served.client) == b""
    await served.ended.wait()
    assert trio.current_time() == now
    assert served.above.ended == [(DisconnectReason.TRANSPORT_CLOSE, "the connection was dropped")]


async def test_abort_ends_the_reading_of_a_paused_session(autojump_clock: Any, nursery: trio.Nursery) -> None:
    served = await serve(nursery, client_frame(1, b"4one"))
    served.above.session.pause(trio.current_time())
    await served.client.send_all(client_frame(1, b"4two"))
    await wait_all_tasks_blocked()
    served.driver.abort(goodbye=False)
    await wait_all_tasks_blocked()
    assert served.ended.is_set()
    assert served.above.messages == ["one"]


async def test_delivery_counts_what_the_stream_has_taken(autojump_clock: Any, nursery: trio.Nursery) -> None:
    served = await serve(nursery)
    await trio.sleep(3.0)
    delivery = served.driver.delivery(trio.current_time())
    assert delivery is not None
    assert delivery.acknowledged > 0
    assert (delivery.outstanding, delivery.quiet) == (0, pytest.approx(3.0))
