"""A program that cuts the link of a client whose inbox is full. Run it in a new network namespace: ``unshare -Urn``.

Its argument is ``reactor``, ``stream`` or ``tls``. It prints after how many seconds the server ends the session.
"""

from __future__ import annotations

import ssl
import subprocess
import sys
from functools import partial

import trio
import trio.testing
import trustme

from trio_socketio import Server, Socket

INTERVAL, TIMEOUT = 0.5, 0.5
EVENTS = 8

UPGRADE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def text(message: bytes) -> bytes:
    """Return a text frame of a client, masked with a key of zeros (RFC 6455 section 5.3)."""
    return bytes([0x81, 0x80 | len(message), 0, 0, 0, 0]) + message


def lo(state: str) -> None:
    """Set the state of the loopback device."""
    subprocess.run(["ip", "link", "set", "lo", state], check=True)


async def main(kind: str) -> None:
    """Serve one client, cut its link, and wait until its handler is cancelled."""
    begun, ended = trio.Event(), trio.Event()
    io = Server(
        inbox_events=EVENTS,
        ping_interval=INTERVAL,
        ping_timeout=TIMEOUT,
        driver="stream" if kind == "stream" else "auto",
    )

    @io.on("slow")
    async def slow(socket: Socket) -> None:
        begun.set()
        try:
            await trio.sleep_forever()
        finally:
            ended.set()

    theirs = ours = None
    if kind == "tls":
        authority = trustme.CA()
        theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(theirs)
        ours = ssl.create_default_context()
        authority.configure_trust(ours)
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(io.serve, "127.0.0.1", 0, ssl_context=theirs))
        below = listener.transport_listener if kind == "tls" else listener
        tcp = await trio.open_tcp_stream("127.0.0.1", below.socket.getsockname()[1])
        stream = tcp if ours is None else trio.SSLStream(tcp, ours, server_hostname="localhost")
        await stream.send_all(UPGRADE + text(b"40"))
        await stream.send_all(text(b'42["slow"]') * (EVENTS + 1))
        await begun.wait()
        await trio.testing.wait_all_tasks_blocked()
        start = trio.current_time()
        lo("down")
        with trio.move_on_after(20):
            await ended.wait()
            print(trio.current_time() - start)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    lo("up")
    trio.run(main, sys.argv[1])
