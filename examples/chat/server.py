"""A chat with rooms: lists of people, typing notices, messages with receipts, and pictures as binary.

    npm install --prefix examples/chat      # once, for the browser bundle; without it the page asks the public CDN
    python examples/chat/server.py          # HOST and PORT are read from the environment

The handlers below handle every event of the page. The server checks the arguments of an event against the handler's
annotations first, so a handler only receives valid values. For invalid values, the acknowledgement contains the reason.
"""

from __future__ import annotations

import os
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from trio_socketio import Server, Socket

FOLDER = Path(__file__).resolve().parent
BUNDLE = FOLDER / "node_modules" / "socket.io-client" / "dist"

Name = Annotated[str, Meta(min_length=1, max_length=30, pattern=r"\S")]
MessageId = Annotated[str, Meta(min_length=8, max_length=40)]
PictureType = Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
PictureData = Annotated[bytes, Meta(min_length=1, max_length=900_000)]


class Draft(Struct):
    """A message as its author sends it. The author's page makes the id, so that a message sent twice is shown once."""

    id: MessageId
    text: Annotated[str, Meta(min_length=1, max_length=4000)]


@dataclass
class Room:
    """The people in a room (socket id and name), and the last messages. A room exists while a person is in it."""

    name: str
    people: dict[str, str] = field(default_factory=dict)
    said: deque[dict[str, object]] = field(default_factory=lambda: deque(maxlen=50))

    @property
    def address(self) -> str:
        """The name of the Socket.IO room. Each socket's id is also a room; with the prefix, no user can join that."""
        return f"chat:{self.name}"

    def listed(self) -> list[dict[str, str]]:
        return [{"id": id, "name": name} for id, name in self.people.items()]


rooms: dict[str, Room] = {}

PAGE = {"/": "index.html", **{f"/{name}": name for name in ("chat.css", "chat.js", "view.js", "picture.js")}}
io = Server(
    max_http_buffer_size=1_300_000,  # the largest picture in base64, the form in which long-polling sends binary
    serve_client=BUNDLE if BUNDLE.is_dir() else None,
    static_files={url: FOLDER / name for url, name in PAGE.items()},
)


@io.on("connection")
async def connection(socket: Socket) -> None:
    await socket.emit("rooms", open_rooms())


@io.on("join")
async def join(socket: Socket, name: Name, room: Name) -> dict[str, object]:
    await leave(socket)
    entered = rooms.setdefault(room, Room(room))
    entered.people[socket.id] = name
    socket.data.update(name=name, room=entered)
    socket.join(entered.address)
    await socket.to(entered.address).emit("people", entered.listed())
    await io.emit("rooms", open_rooms())
    return {"people": entered.listed(), "said": list(entered.said)}


@io.on("say")
async def say(socket: Socket, draft: Draft) -> dict[str, object]:
    room: Room | None = socket.data.get("room")
    if room is None:
        return {"error": "Join a room first"}
    message = {**seal(socket, draft.id), "text": draft.text}
    room.said.append(message)
    await socket.to(room.address).emit("message", message)
    return {"at": message["at"]}


@io.on("picture")
async def picture(socket: Socket, id: MessageId, type: PictureType, data: PictureData) -> dict[str, object]:
    room: Room | None = socket.data.get("room")
    if room is None:
        return {"error": "Join a room first"}
    message = {**seal(socket, id), "type": type}
    await socket.to(room.address).emit("picture", message, data)
    return {"at": message["at"]}


@io.on("typing")
async def typing(socket: Socket) -> None:
    if room := socket.data.get("room"):
        await socket.to(room.address).volatile.emit("typing", socket.id)


@io.on("disconnect")
async def gone(socket: Socket, reason: str) -> None:
    await leave(socket)


async def leave(socket: Socket) -> None:
    """Remove the socket from its room, if it is in one, and send the new list of people to the others."""
    room: Room | None = socket.data.pop("room", None)
    if room is None:
        return
    socket.leave(room.address)
    del room.people[socket.id]
    if not room.people:
        del rooms[room.name]
    await io.to(room.address).emit("people", room.listed())
    await io.emit("rooms", open_rooms())


def seal(socket: Socket, id: str) -> dict[str, object]:
    """Return the fields of a message that the server sets: the author, and the time in milliseconds."""
    return {"id": id, "from": socket.id, "name": socket.data["name"], "at": time.time_ns() // 1_000_000}


def open_rooms() -> list[dict[str, object]]:
    return [{"name": name, "people": len(room.people)} for name, room in sorted(rooms.items())]


if __name__ == "__main__":
    io.run(os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "3000")))
