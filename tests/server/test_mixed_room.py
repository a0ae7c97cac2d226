"""Members of a room with different protocols and transports receive the same events in the same order."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
import trio
from support import oracle
from support.wire import WebSocket, Wire
from wsproto.extensions import PerMessageDeflate as ClientDeflate

from trio_socketio import PerMessageDeflate, Server, Socket

Packet = str | bytes

#: Every kind of client, by its query and whether it offers compression.
KINDS = {
    "revision 4, WebSocket": ("EIO=4&transport=websocket", False),
    "revision 4, deflate": ("EIO=4&transport=websocket", True),
    "revision 4, polling": ("EIO=4&transport=polling", False),
    "revision 4, JSONP": ("EIO=4&transport=polling&j=0", False),
    "revision 3, WebSocket": ("EIO=3&transport=websocket", False),
    "revision 3, deflate": ("EIO=3&transport=websocket", True),
    "revision 3, base64 over WebSocket": ("EIO=3&transport=websocket&b64=1", False),
    "revision 3, base64 and deflate": ("EIO=3&transport=websocket&b64=1", True),
    "revision 3, polling": ("EIO=3&transport=polling", False),
    "revision 3, base64 over polling": ("EIO=3&transport=polling&b64=1", False),
    "revision 3, JSONP": ("EIO=3&transport=polling&j=3", False),
}

#: Where the script tags of JSONP are.
PAGE = {"Referer": "http://test/page"}


class Member:
    """One client, and the events that it has heard."""

    def __init__(self, wire: Wire, query: str, *, deflate: bool) -> None:
        self.heard: list[Any] = []
        self._wire = wire
        self._target = f"{wire.io.path}?{query}"
        self._deflate = deflate
        self._is_old = "EIO=3" in query
        self._attachments = 0

    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        listen = self._listen if "websocket" in self._target else self._poll
        await listen(task_status)

    async def _listen(self, task_status: trio.TaskStatus[None]) -> None:
        ws = WebSocket(self._wire.stream())
        await ws.open(self._target, extensions=[ClientDeflate()] if self._deflate else [])
        if not self._is_old:
            await ws.send("40")
        while not self._is_over:
            packet = await ws.receive()
            assert isinstance(packet, str | bytes)
            self._take(packet, task_status)

    async def _poll(self, task_status: trio.TaskStatus[None]) -> None:
        http = self._wire.http()
        for packet in self._split((await http.request("GET", self._target, headers=PAGE)).body):
            self._target += "&sid=" + json.loads(str(packet)[1:])["sid"]
        if not self._is_old:
            body, headers = b"40", PAGE
            if "&j=" in self._target:
                body, headers = b"d=40", {**PAGE, "Content-Type": "application/x-www-form-urlencoded"}
            assert (await self._wire.http().request("POST", self._target, body, headers)).text == "ok"
        while not self._is_over:
            for each in self._split((await http.request("GET", self._target, headers=PAGE)).body):
                self._take(each, task_status)

    def _split(self, body: bytes) -> list[Packet]:
        if "&j=" in self._target:
            script = body.decode()
            body = json.loads(script[script.index("(") + 1 : script.rindex(")")]).encode()
        if not self._is_old:
            packets, is_whole = oracle.split_payload(body)
        elif body[0] < 2:
            packets, is_whole = oracle.split_payload3_binary(body)
        else:
            packets, is_whole = oracle.split_payload3(body)
        assert is_whole, body
        return packets

    @property
    def _is_over(self) -> bool:
        return self.heard[-1:] == [["end"]]

    def _take(self, packet: Packet, task_status: trio.TaskStatus[None]) -> None:
        """One packet of Engine.IO, as this client is sent it."""
        if isinstance(packet, bytes):
            self._attach(packet[1:] if self._is_old else packet)
        elif packet.startswith("b"):
            self._attach(base64.b64decode(packet[2:] if self._is_old else packet[1:], validate=True))
        elif packet.startswith("40"):
            task_status.started()
        elif packet.startswith("4"):
            self._event(packet[1:])

    def _event(self, text: str) -> None:
        assert self._attachments == 0, "the former event is not whole yet"
        head, _, array = text.partition("[")
        assert head[0] in "25"
        self._attachments = int(head[1:-1]) if head[0] == "5" else 0
        self.heard.append(json.loads("[" + array))

    def _attach(self, data: bytes) -> None:
        assert self._attachments > 0
        self._attachments -= 1
        event = self.heard[-1]
        event[event.index({"_placeholder": True, "num": event[1] - self._attachments - 1})] = data


def events(seed: int) -> Iterator[list[Any]]:
    """Events with their number of attachments, text that takes more than a byte, and the attachments."""
    rng = random.Random(seed)
    for _ in range(120):
        attachments = [
            rng.randbytes(rng.choice([1, 3, 300])) * rng.choice([1, 9])
            for _ in range(rng.choice([0, 0, 1, 3]))
        ]
        text = rng.choice(["", "大家好 😀 ", '\u2028\x1f"\\</script>', "x"]) * rng.choice([1, 7, 600])
        yield ["said", len(attachments), text, *attachments]


@pytest.mark.rows("C4", "C5", "C6", "C7", "C8", "C32", "G3")
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
async def test_all_members_receive_the_same_events_in_the_same_order(
    autojump_clock: Any, running: Any, seed: int
) -> None:
    io = Server(allow_eio3=True, jsonp=True, per_message_deflate=PerMessageDeflate(threshold=100))
    sent = list(events(seed))

    @io.on("connection")
    def connection(socket: Socket) -> None:
        socket.join("room")

    async with running(io) as wire:
        members = {name: Member(wire, query, deflate=deflate) for name, (query, deflate) in KINDS.items()}
        async with trio.open_nursery() as nursery:
            for member in members.values():
                await nursery.start(member.run)
            for event, *args in [*sent, ["end"]]:
                await io.to("room").emit(event, *args)
                await trio.lowlevel.checkpoint()
        assert {name: member.heard == [*sent, ["end"]] for name, member in members.items()} == dict.fromkeys(
            KINDS, True
        )
