"""The socket: one client in one namespace, as handlers receive it."""

from __future__ import annotations

import math
import weakref
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import trio

from trio_socketio._core import track, untrack
from trio_socketio.errors import DisconnectReason
from trio_socketio.handlers import Ack, Handler, SocketNursery, require_task
from trio_socketio.server._client import Client
from trio_socketio.server._engine_conn import EngineConn
from trio_socketio.server._handshake import Handshake
from trio_socketio.server._inbox import Event, EventInbox, EventIterator
from trio_socketio.server._listening import Listening, SocketHandlers
from trio_socketio.server._member import SocketMember
from trio_socketio.server._operators import Rooms, names
from trio_socketio.server._sending import CONNECTED, CONNECTING, DISCONNECTED, REFUSED, Phase, Sending
from trio_socketio.socketio import EventReceived, Undecoded

if TYPE_CHECKING:
    from trio_socketio.engineio import EngineRequest, TransportName
    from trio_socketio.server._namespace_state import NamespaceState
    from trio_socketio.server._runtime import Runtime

__all__ = ["Phase", "Socket"]


class Socket(Sending, Listening):
    """One client in one namespace.

    Attributes:
        dropped: how many of its events nobody claimed.
    """

    __slots__ = (
        "__weakref__", "_auth", "_current", "_data", "_description", "_handlers", "_handshake", "_hold_deadline",
        "_idle", "_inbox", "_is_served", "_iterator", "_nursery", "_ready", "_tasks",
        "_unclaimed", "dropped",
    )  # fmt: skip

    # An idle socket should be small: what it may never need is made when it is first used.
    def __init__(
        self, runtime: Runtime, namespace: NamespaceState, client: Client, auth: dict[str, Any]
    ) -> None:
        super().__init__(runtime, namespace, client)
        self._member = SocketMember(self, client.socket_id(namespace.name), namespace, client)
        self.dropped = 0
        self._auth = auth or None
        self._handshake: Handshake | None = None
        self._handlers: SocketHandlers | None = None
        # its life; see _life.py
        self._description = ""
        self._tasks: tuple[trio.CancelScope, ...] = ()
        self._nursery: SocketNursery | None = None
        # its events
        self._inbox: EventInbox | None = None
        #: whether they may be handled
        self._ready = False
        self._hold_deadline = math.inf
        #: the event that is being handled, if one is; its name
        self._current: str | float = ""
        #: whether a task handles them, or is about to; see _crew.py
        self._is_served = False
        self._idle: trio.Event | None = None
        self._iterator: weakref.ref[EventIterator] | None = None
        self._unclaimed: trio.MemorySendChannel[Event] | None = None

    def __repr__(self) -> str:
        return f"<Socket {self.id} in {self._namespace.name!r} {self._phase.name}>"

    # attributes

    @property
    def _is_connecting(self) -> bool:
        return self._phase is CONNECTING

    @property
    def _has_ended(self) -> bool:
        return self._phase is DISCONNECTED or self._phase is REFUSED

    @property
    def _was_connected(self) -> bool:
        return self._phase is DISCONNECTED

    @property
    def handshake(self) -> Handshake:
        """What the client said when it connected."""
        if self._handshake is None:
            client = self._client
            self._handshake = Handshake(client.session.request, self._auth or {}, client.issued)
        return self._handshake

    @property
    def data(self) -> Any:
        """Anything the application keeps with the socket; a ``dict`` unless it assigns something else."""
        try:
            return self._data
        except AttributeError:
            self._data: Any = {}
            return self._data

    @data.setter
    def data(self, value: Any) -> None:
        self._data = value

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms it is in now, its own id among them."""
        return self._member.rooms

    @property
    def conn(self) -> EngineConn:
        """The Engine.IO session below; shared by all sockets of the client."""
        return self._client.conn

    @property
    def request(self) -> EngineRequest:
        """The first HTTP request of the session."""
        return self._client.session.request

    @property
    def transport(self) -> TransportName:
        """``"polling"`` or ``"websocket"``, as it is now."""
        return self._client.session.transport.name

    @property
    def nursery(self) -> SocketNursery:
        """For tasks that end with the socket. An exception of one disconnects this socket alone."""
        if self._nursery is None:
            self._nursery = SocketNursery(self._start_task, self._task_failed)
            if self._has_ended:
                self._nursery.close()
        return self._nursery

    def _start_task(self, function: Callable[[], Awaitable[None]], scope: trio.CancelScope) -> None:
        self._runtime.life.start(self, function, scope, name="nursery of a socket")

    def _task_failed(self, error: BaseException) -> None:
        self._runtime.task_failed(self, error)

    # handlers

    def _table(self) -> SocketHandlers:
        if self._handlers is None:
            self._handlers = SocketHandlers()
        return self._handlers

    def _handlers_of(self, event: str | float) -> tuple[Handler, ...]:
        # "connection" is the namespace's; from a client it is an event as any other, for the socket's own handlers
        shared = self._namespace.handlers.by_event.get(event, ()) if event != "connection" else ()
        return shared if self._handlers is None else (*shared, *self._handlers.get(event))

    def _any_handlers(self) -> tuple[Handler, ...]:
        shared = self._namespace.handlers.any
        return shared if self._handlers is None else (*shared, *self._handlers.any)

    def ready(self) -> None:
        """Let events through that are held back while the connection handlers run."""
        require_task("ready")
        if not self._ready and self.connected:
            self._ready = True
            if self._hold_deadline < math.inf:
                self._hold_deadline = math.inf
                self._runtime.held.discard(self)
                self._client._set_alarm()
            if self._inbox is not None and self._inbox.has_waiting:
                self._runtime.crew.serve(self)

    def __aiter__(self) -> EventIterator:
        """The events that no handler claims, as ``Event``; the iteration ends with the socket. Implies ``ready``.

        Several that go on at once share the events. When all have been left, unclaimed events are dropped again.
        """
        require_task("iterating")
        iterator = self._iterator() if self._iterator is not None else None
        if iterator is None:
            self._unclaimed, received = trio.open_memory_channel[Event](0)
            iterator = EventIterator(received, self._runtime.inlet)
            self._iterator = weakref.ref(iterator)
            if self._has_ended:
                self._unclaimed.close()
        self.ready()
        return iterator

    # rooms

    def join(self, *rooms: Rooms) -> None:
        """Join rooms. In a middleware, they are joined when the client is accepted.

        Rooms that users name need a prefix of yours, such as ``f"room:{name}"``: a socket's id names the room of that
        socket alone.

        Raises:
            TypeError: a room is not a ``str``.
            ValueError: a room is the id of another socket of the namespace, in this process; none was joined.
        """
        require_task("join")
        wanted = names(rooms)
        if self._phase is CONNECTING:
            self._member.join_later(wanted)
        else:
            self._member.join(wanted)

    def leave(self, *rooms: Rooms) -> None:
        """Leave rooms; those it is not in do not matter."""
        require_task("leave")
        self._member.leave(names(rooms))

    def disconnect(self, close: bool = False) -> None:
        """Disconnect the client from this namespace; its handlers and tasks are cancelled.

        Args:
            close: from all its namespaces, and end the session.
        """
        require_task("disconnect")
        if close:
            for socket in list(self._client.sockets.values()):
                socket.disconnect()
            self.conn.close()
        elif self.connected:
            self._client.leave(self._namespace.name)
            self._end(DisconnectReason.SERVER_NAMESPACE_DISCONNECT, "")

    async def _finish(self) -> None:
        """Wait until its events are handled and all that was sent is written, or it has ended."""
        while self.connected and not self._is_idle:
            if self._idle is None:
                self._idle = trio.Event()
            await self._idle.wait()
        await self.flush()

    @property
    def _is_idle(self) -> bool:
        return not self._running and (self._inbox is None or not self._inbox.count)

    def _holders(self) -> list[str]:
        """The handlers that a full inbox waits for; none if it is not full."""
        if self._inbox is None or not self._inbox.is_full:
            return []
        return self._handlers_at_work()

    def _handlers_at_work(self) -> list[str]:
        """The handlers that events wait for, by their names."""
        if not self._ready:
            return [handler.name for handler in self._namespace.handlers.get("connection")]
        return [handler.name for handler in self._handlers_of(self._current)] or ["an iteration over events"]

    @property
    def _has_waiting(self) -> bool:
        return self._inbox is not None and self._inbox.has_waiting

    def _became_idle(self) -> None:
        if self._idle is not None:
            self._idle.set()
            self._idle = None

    # what the client sent

    def _receive_event(self, event: EventReceived) -> None:
        if self._ready and not self._running and (self._inbox is None or not self._inbox.count):
            if self._handlers is None:
                handlers = self._namespace.handlers.inline.get(event.name)
            else:
                handlers = self._inline_handlers(event.name)
            if handlers:
                self._runtime.run_inline(self, event, handlers)
                return
        if self._inbox is None:
            self._inbox = EventInbox(self._client, self._namespace.name)
        self._inbox.put(event)
        if self._ready and not self._is_served:
            self._runtime.crew.serve(self)
        elif self._client.calls_pending or not self._ready:
            self._runtime.held.events_wait(self)

    def _serve_inbox(self) -> None:
        """Let a task handle the events that wait, if they may be handled."""
        if self._ready and not self._is_served:
            self._runtime.crew.serve(self)

    def _receive_undecoded(self, event: bytes | Undecoded) -> None:
        """Keep an event that comes while the inbox is full."""
        if self._inbox is not None:
            self._inbox.keep(event)

    def _inline_handlers(self, event: str | float) -> tuple[Handler, ...] | None:
        """The handlers of an event, if there are any and they are all plain functions."""
        handlers = self._handlers_of(event)
        is_for_a_task = self._any_handlers() or any(handler.is_async for handler in handlers)
        return None if is_for_a_task else handlers

    # life and end

    def _accept(self) -> None:
        self._phase = CONNECTED
        endings = self._runtime.engine.endings
        was_delivering = endings.hold()  # observers of rooms may send to this client, after its CONNECT
        try:
            self._member.enter()
            untrack(self, self._member)
            self._client.accept(self._namespace.name, self)  # its outbox may be full, which ends it
        finally:
            endings.release(was_delivering)

    def _refuse(self, error: dict[str, Any]) -> None:
        self._client.refuse(self._namespace.name, error)
        self._end(DisconnectReason.SERVER_NAMESPACE_DISCONNECT, "refused")

    def _hold(self, timeout: float) -> None:
        """Hold events back while the connection handlers run, but not for ever."""
        self._hold_deadline = trio.current_time() + timeout
        self._client._set_alarm()

    async def _give(self, event: EventReceived, ack: Ack) -> bool:
        """Wait until an iteration takes the event; False: there is none, or it has ended."""
        if self._unclaimed is None:
            return False
        try:
            await self._unclaimed.send(Event(event.name, event.args, ack))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        return True

    def _end(self, reason: DisconnectReason, description: str) -> None:
        """The socket is over: nothing is sent any more, handlers and tasks are cancelled."""
        if self._has_ended:
            return
        self._phase = DISCONNECTED if self._phase is CONNECTED else REFUSED
        self._namespace.adapter.mute(self._member)
        self._ready = False
        self._runtime.held.discard(self)
        self._reason, self._description = reason, description
        if self._inbox is not None:
            self._inbox.clear()
        self._became_idle()
        self._client.ended(self._namespace.name, self)
        self._member.end_calls()
        self._client.writable()
        if self._unclaimed is not None:
            self._unclaimed.close()
        if self._nursery is not None:
            self._nursery.close()
        self._runtime.life.end(self)

    def _vanish(self) -> None:
        """The last that happens to a socket: nobody finds it any more, and it keeps nothing that refers to it."""
        self._member.vanish()
        self._handlers = self._nursery = None
        track(self, self._member, self._client.sockets)
