"""A running Socket.IO server: its sockets end with it, and it counts acknowledgements that come too late."""

from __future__ import annotations

import pytest
import trio
from support.socket_tasks import open_client

from trio_socketio import Server, Socket


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_disconnect_handlers_run_when_a_handler_stops_the_program(interrupt: type[BaseException]) -> None:
    io = Server()
    log: list[str] = []

    @io.on("stop")
    async def stop(socket: Socket) -> None:
        raise interrupt

    @io.on("disconnect")
    async def gone(socket: Socket, reason: str) -> None:
        await trio.lowlevel.checkpoint()
        log.append(reason)

    async def main() -> None:
        async with io:
            hosts = [open_client(io) for _ in range(3)]
            hosts[0].deliver('42["stop"]', trio.current_time())
            await trio.sleep_forever()

    with pytest.raises(interrupt):
        trio.run(main)
    assert log == ["server shutting down"] * 3
