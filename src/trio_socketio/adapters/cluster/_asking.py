"""The requests of ``EnvelopeAdapter``, and how their answers are taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trio_socketio.adapters._broadcast import Answers
from trio_socketio.adapters._records import SocketRecord
from trio_socketio.adapters.cluster._messages import (
    MOST_SOCKETS,
    AckData,
    CountData,
    MessageType,
    SocketData,
    SocketsData,
    ValueData,
)
from trio_socketio.adapters.cluster._requests import MOST_ANSWERS, Request, Requests
from trio_socketio.adapters.cluster._wire import Malformed

__all__ = ["AckRequest", "FetchRequest", "ValueRequest", "answer_takers"]


class FetchRequest(Request):
    """A request for the sockets of a target. Each answer is a list of records, which may come in parts."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: dict[str, list[SocketData]] = {}

    def take(self, server: str, data: SocketsData) -> None:
        """Take the answer of a server or a part of it. If a part is lost, the server has not answered."""
        if not data.more and data.total is None:
            self.answer(server, data.sockets)
        elif server in self._parts or len(self._parts) < MOST_ANSWERS:
            parts = self._parts.setdefault(server, [])
            parts += data.sockets[: MOST_SOCKETS - len(parts)]
            if len(parts) == data.total:
                self.answer(server, self._parts.pop(server))

    @property
    def records(self) -> dict[str, SocketRecord]:
        """The records of all answers and parts by socket id."""
        return {
            socket.id: socket.record for part in (*self._parts.values(), *self.answers) for socket in part
        }


class ValueRequest(Request):
    """An event for servers, each of which answers with one value."""


class AckRequest(Request):
    """A broadcast call. Each server answers with the number of its sockets, then with their acknowledgements.

    Attributes:
        values: the acknowledgements by socket id.
        unnamed: the acknowledgements of sockets whose ids their servers did not tell.
    """

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, Any] = {}
        self.unnamed: list[Any] = []
        self._named: set[str] = set()
        self._unnamed_count = 0

    def count(self, server: str, data: CountData) -> bool:
        """Take the number of sockets of a server; returns False if it has answered already."""
        if not self.answer(server, data.client_count):
            return False
        if data.sids is None:
            self._unnamed_count += data.client_count
        else:
            self._named.update(data.sids)
        return True

    def acknowledge(self, data: AckData) -> bool:
        """Take the acknowledgement of a socket; returns False if none is awaited."""
        if data.sid is not None and data.sid in self._named:
            self.values.setdefault(data.sid, data.value)
        elif data.sid is None and len(self.unnamed) < self._unnamed_count:
            self.unnamed.append(data.value)
        else:
            return False
        self.changed()
        return True

    @property
    def is_complete(self) -> bool:
        """Whether every server and every socket has answered."""
        if self.missing_count:
            return False
        return len(self.values) == len(self._named) and len(self.unnamed) == self._unnamed_count

    def answers_with(self, local: Answers) -> Answers:
        """Return the answers of this process and of the other servers together."""
        answers = Answers({**self.values, **local.values}, local.missing | (self._named - self.values.keys()))
        answers.unnamed = tuple(self.unnamed)
        answers.missing_count = self._unnamed_count - len(self.unnamed)
        answers.silent = frozenset(self.waiting)
        answers.silent_count = self.missing_count
        return answers


def answer_takers(requests: Requests) -> dict[MessageType, Callable[[str, Any], object]]:
    """Return the functions that take answers to the requests of a namespace, by the type of the message.

    They take the id of the server and the data, and ignore answers to requests that are not pending.
    """

    def sockets(uid: str, data: SocketsData) -> None:
        request = requests.get(data.request_id, FetchRequest)
        if request is not None:
            request.take(uid, data)

    def value(uid: str, data: ValueData) -> None:
        request = requests.get(data.request_id, ValueRequest)
        if request is not None:
            request.answer(uid, data.packet)

    def count(uid: str, data: CountData) -> None:
        request = requests.get(data.request_id, AckRequest)
        if request is not None:
            request.count(uid, data)

    def ack(uid: str, data: AckData) -> None:
        request = requests.get(data.request_id, AckRequest)
        if request is not None and not request.acknowledge(data):
            raise Malformed("acknowledgement that is not awaited")

    return {
        MessageType.FETCH_SOCKETS_RESPONSE: sockets,
        MessageType.SERVER_SIDE_EMIT_RESPONSE: value,
        MessageType.BROADCAST_CLIENT_COUNT: count,
        MessageType.BROADCAST_ACK: ack,
    }
