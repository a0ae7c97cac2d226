"""A client of the model test. It reads while ``reads`` is set, and records the received packets as tokens."""

from __future__ import annotations

import base64
import json
from collections import deque
from typing import Any

import trio
from wsproto.events import CloseConnection
from wsproto.utilities import LocalProtocolError

from support.wire import Polling, Rejected, SioClient, Wire
from trio_socketio import Socket

#: ``("m", number, attachments)``, ``("q", number)``, ``("ack", number)``, ``("end",)``
Token = tuple[Any, ...]

Message = str | bytes


class Player:
    """One client, and the expectations of the model for it.

    Attributes:
        expected: the tokens that must be received by the end of the test, in this order.
        received: the tokens received so far.
        heard: the numbers of the client's events that the server has handled, in this order.
        left: whether the client has disconnected itself, so that packets in flight may be lost.
    """

    def __init__(self, wire: Wire, name: str, *, upgrade_after: int | None) -> None:
        self.wire = wire
        self.name = name
        self.socket: Socket | None = None
        self.expected: list[Token] = []
        self.received: list[Token] = []
        self.heard: list[int] = []
        self.sent = 0
        self.left = False
        self.reads = trio.Event()
        self.reads.set()
        self._upgrade_after = upgrade_after
        self._upgraded_at = -1
        self._polling: Polling | None = None
        self._client: SioClient | None = None
        self._out, self._to_send = trio.open_memory_channel[Message](10_000)
        self._way = trio.Lock()  # held while sending, and during the upgrade
        self._came: deque[Message] = deque()
        self._scope = trio.CancelScope()

    def __repr__(self) -> str:
        return f"<{self.name} {'polling' if self._client is None else 'websocket'}>"

    @property
    def is_there(self) -> bool:
        return self.socket is not None and self.socket.connected

    def queue(self, message: Message) -> None:
        """Queue a message for sending."""
        self._out.send_nowait(message)

    def leave(self, how: str) -> None:
        """Leave the namespace, close the session, or drop the connection."""
        self.left = True
        if how == "namespace":
            self.queue("1")
        elif how == "session" and self._client is not None:
            self.queue("close")
        else:
            self._scope.cancel()

    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        with self._scope:
            try:
                await self._connect()
                task_status.started()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write)
                    await self._read()
                    nursery.cancel_scope.cancel()
            except* EOFError:
                assert self.left or ("end",) in self.expected, self
        for carrier in (self._client and self._client.ws, self._polling and self._polling.gets):
            if carrier:
                await trio.aclose_forcefully(carrier.stream)

    async def _connect(self) -> None:
        auth = {"name": self.name}
        if self._upgrade_after is None:
            self._client = await self.wire.connect(auth=auth)
        else:
            self._polling = await self.wire.polling()
            await self._polling.post(f"40{json.dumps(auth)}")
            first, *rest = (await self._polling.get()).text.split("\x1e")
            assert first.startswith("40{")
            self._came.extend(rest)

    # out

    async def _write(self) -> None:
        try:
            await self._send_all()
        except (trio.BrokenResourceError, LocalProtocolError):  # received bytes can still be read
            assert self.left or ("end",) in self.expected, self

    async def _send_all(self) -> None:
        async for message in self._to_send:
            async with self._way:
                if self._client is None:
                    assert self._polling is not None
                    if (await self._polling.post(f"4{message!s}")).status != 200:
                        raise trio.BrokenResourceError("the session has ended")
                elif message == "close":
                    await self._client.ws.close()
                else:
                    await self._client.send(message)

    # in

    async def _read(self) -> None:
        while (message := await self._next()) is not None:
            self.received.append(await self._token(message))

    async def _next(self) -> Message | None:
        """Return the next Socket.IO message; None if the session has ended."""
        while True:
            await self.reads.wait()
            if self._came:
                message = self._came.popleft()
                if message[:1] == "b":
                    return base64.b64decode(message[1:])
                if message in ("6", "2"):
                    continue
                return None if message == "1" else message[1:]
            if self._client is not None:
                event = await self._client.receive()
                assert isinstance(event, str | bytes | CloseConnection)
                if not isinstance(event, CloseConnection):
                    return event
                # The upgrade and the end of the session have crossed: messages that waited for a poll are lost.
                self.left |= self._polling is not None and len(self.received) == self._upgraded_at
                return None
            await self._poll()

    async def _poll(self) -> None:
        assert self._polling is not None
        if self._upgrade_after == 0 and await self._upgrade():
            return
        assert self._upgrade_after is not None
        self._upgrade_after -= 1
        response = await self._polling.get()
        if response.status != 200:
            raise EOFError(response.text)
        self._came.extend(response.text.split("\x1e"))

    async def _upgrade(self) -> bool:
        """Upgrade to WebSocket. Return False if the session has ended meanwhile: the rest can be polled."""
        assert self._polling is not None
        async with self._way:
            try:
                ws = await self._polling.upgrade()
                await ws.send("2probe")
                if await ws.receive() != "3probe":
                    return False
                await ws.send("5")
            except (LocalProtocolError, Rejected):
                return False
            self._client = SioClient(ws)
            self._upgraded_at = len(self.received)
            return True

    async def _token(self, message: Message) -> Token:
        assert isinstance(message, str), f"{self}: an attachment without its header: {message!r}"
        if message == "1":
            return ("end",)
        head, _, rest = message.partition("[")
        content = json.loads("[" + rest)
        if message[0] == "3":
            return ("ack", content[0])
        if message[0] == "2" and content[0] == "q":
            self.queue(f"3{head[1:]}[{content[1]}]")
            return ("q", content[1])
        attachments: list[bytes] = []
        if message[0] == "5":
            for _ in range(int(head[1:].rstrip("-"))):
                part = await self._next()
                assert isinstance(part, bytes), f"{self}: {part!r} between a header and its attachments"
                attachments.append(part)
        assert content[0] == "m", message
        return ("m", content[1], tuple(attachments))
