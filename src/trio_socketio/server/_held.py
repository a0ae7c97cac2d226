"""Log the handlers that hold events for long, each once, with a remedy."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import trio

from trio_socketio.handlers import HELD
from trio_socketio.serving import HELD_SECONDS, log_held

if TYPE_CHECKING:
    from trio_socketio.server._base_socket import BaseSocket
    from trio_socketio.server._member import Call

__all__ = ["HeldEvents"]

_CALL = (
    "%s has waited for %g s in a call to its own client, and later events of this client wait behind it: if the client "
    "answers only after one of them is handled, handler and client wait for each other. "
    "Make the call in a task of socket.nursery, or serve with ordering='concurrent'"
)


def _is_inside(outer: trio.lowlevel.Task) -> bool:
    """Return whether the current task is ``outer`` or descends from it."""
    task: trio.lowlevel.Task | None = trio.lowlevel.current_task()
    while task is not None and task is not outer:
        task = None if task.parent_nursery is None else task.parent_nursery.parent_task
    return task is not None


def _calls_to_client(socket: BaseSocket) -> Iterator[Call]:
    """Yield the pending calls to the client of a socket, in all its namespaces."""
    for sibling in socket.siblings:
        yield from (sibling.calls or {}).values()


class HeldEvents:
    """The sockets whose events are held now, by a connection handler or by a call to their own client.

    A socket without held events has no entry and no deadline here.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._since: dict[BaseSocket, tuple[float, Call | None]] = {}
        self._known_connections: set[str] = set()
        self._known_calls: set[str] = set()

    def __len__(self) -> int:
        return len(self._since)

    def events_wait(self, socket: BaseSocket) -> None:
        """Watch a socket that has waiting events, if a connection handler or a call holds them."""
        if not socket.connected:
            return
        if socket.mailbox.state is HELD:
            self._watch(socket, None)
            return
        call = next((call for call in _calls_to_client(socket) if call.blocks is socket), None)
        if call is not None:
            self._watch(socket, call)

    def call_begins(self, siblings: Iterable[BaseSocket], call: Call) -> None:
        """Find the socket whose worker makes this call, among all sockets of the called client.

        Later events of that socket wait until the call ends. Watch the socket if it has such events already.
        """
        for sibling in siblings:
            worker = sibling.mailbox.worker
            if worker is not None and _is_inside(worker):
                call.blocks = sibling
                if sibling.mailbox.has_waiting:
                    self._watch(sibling, call)

    def call_ended(self, socket: BaseSocket) -> None:
        """Stop watching the sockets of a client whose events an ended call held.

        If another call holds them too, the socket is watched again when its next event waits.
        """
        pending = list(_calls_to_client(socket))
        for sibling in socket.siblings:
            since = self._since.get(sibling)
            if since is not None and since[1] is not None and since[1] not in pending:
                self.discard(sibling)

    def _watch(self, socket: BaseSocket, call: Call | None) -> None:
        """Note that a socket's events are held by ``call``, or by a connection handler if ``call`` is None."""
        if socket not in self._since:
            self._since[socket] = trio.current_time(), call
            socket.set_alarm()

    def discard(self, socket: BaseSocket) -> None:
        """Stop watching a socket. Do nothing if it is not watched."""
        self._since.pop(socket, None)

    def deadline(self, socket: BaseSocket) -> float:
        """Return the time at which ``check`` must be called for a socket, or infinity."""
        since = self._since.get(socket)
        return math.inf if since is None else since[0] + HELD_SECONDS

    def check(self, socket: BaseSocket, now: float) -> None:
        """Log the handlers that hold a socket's events, if they have held them for ``HELD_SECONDS``."""
        if self.deadline(socket) > now:
            return
        _, call = self._since.pop(socket)
        if not socket.mailbox.has_waiting:
            return
        if call is None:
            log_held(self._log, self._known_connections, socket.handlers_at_work())
        else:
            log_held(self._log, self._known_calls, socket.handlers_at_work(), _CALL)
