"""The socket: one client in one namespace, as handlers receive it."""

from __future__ import annotations

import math
import weakref
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, NoReturn

import trio

from trio_socketio._core import Member, track, untrack
from trio_socketio.engineio import generate_sid
from trio_socketio.errors import Disconnected, DisconnectReason
from trio_socketio.net import Signal
from trio_socketio.server._client import FULL, Client, EngineSocket
from trio_socketio.server._handlers import Ack, Handler, HandlerTable, Listening
from trio_socketio.server._handshake import Handshake
from trio_socketio.server._inbox import Event, EventIterator, Inbox
from trio_socketio.server._nursery import SocketNursery
from trio_socketio.server._operators import BroadcastOperator, Rooms, SocketOperator, names
from trio_socketio.socketio import AckReceived, EventReceived, Target

if TYPE_CHECKING:
    from trio_socketio.engineio import EngineRequest, TransportName
    from trio_socketio.server._namespace import Namespace
    from trio_socketio.server._runtime import Runtime

__all__ = ["Call", "Phase", "Socket"]

#: At least every so often ``emit`` lets other tasks run; each time would cost as much as the rest of an echo.
EMITS_BETWEEN_CHECKPOINTS = 32


class Phase(Enum):
    """Where a socket stands."""

    CONNECTING = auto()  #: the middlewares run
    CONNECTED = auto()
    DISCONNECTED = auto()


#: The same by themselves: in Python 3.11, to look one up through its class takes 0.1 µs.
CONNECTING, CONNECTED, DISCONNECTED = Phase


class Call:
    """A pending acknowledgement; its signal is set when it has come, or cannot come any more."""

    __slots__ = ("answer", "signal")

    def __init__(self) -> None:
        self.signal = Signal()
        self.answer: list[Any] | None = None

    @property
    def value(self) -> Any:
        """What was answered: a tuple for several values, None for none."""
        answer = self.answer or []
        return tuple(answer) if len(answer) > 1 else answer[0] if answer else None


class Socket(Member, Listening):
    """One client in one namespace.

    Attributes:
        id: unique in the namespace, public; not the Engine.IO session id.
        nsp: the namespace.
    """

    __slots__ = (
        "__weakref__", "_auth", "_calls", "_client", "_data", "_description", "_emits", "_handlers", "_handshake",
        "_hold_deadline", "_idle", "_inbox", "_is_served", "_iterator", "_nursery", "_phase", "_ready", "_reason",
        "_rooms_early", "_running", "_runtime", "_tasks", "_unclaimed", "dropped", "id", "nsp",
    )  # fmt: skip

    # An idle socket should be small: what it may never need is made when it is first used.
    def __init__(self, runtime: Runtime, nsp: Namespace, client: Client, auth: dict[str, Any]) -> None:
        self.id = generate_sid()
        self.nsp = nsp
        #: events that nobody claimed
        self.dropped = 0
        self._runtime = runtime
        self._client = client
        self._auth = auth or None
        self._handshake: Handshake | None = None
        self._rooms_early: set[str] | None = None
        self._handlers: HandlerTable | None = None
        self._calls: dict[int, Call] | None = None
        self._emits = 0
        # its life; see _life.py
        self._phase = CONNECTING
        self._reason: DisconnectReason | None = None
        self._description = ""
        self._tasks: tuple[trio.CancelScope, ...] = ()
        self._nursery: SocketNursery | None = None
        # its events
        self._inbox: Inbox | None = None
        #: whether they may be handled
        self._ready = False
        self._hold_deadline = math.inf
        #: whether a task handles them, or is about to; see _crew.py
        self._is_served = False
        #: whether one is being handled, unless that is done concurrently
        self._running = False
        self._idle: trio.Event | None = None
        self._iterator: weakref.ref[EventIterator] | None = None
        self._unclaimed: trio.MemorySendChannel[Event] | None = None

    def __repr__(self) -> str:
        return f"<Socket {self.id} in {self.nsp.name!r} {self._phase.name}>"

    # attributes

    @property
    def connected(self) -> bool:
        """Whether events can be sent."""
        return self._phase is CONNECTED

    @property
    def _is_connecting(self) -> bool:
        return self._phase is CONNECTING

    @property
    def _has_ended(self) -> bool:
        return self._phase is DISCONNECTED

    @property
    def _is_listed(self) -> bool:
        """Whether it is among its namespace's sockets: from CONNECT until its ``disconnecting`` handlers have run."""
        return self.id in self.nsp._index.members

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
        if self._phase is CONNECTING:
            return frozenset(self._rooms_early or ())
        return self.nsp._index.rooms_of(self)

    @property
    def conn(self) -> EngineSocket:
        """The Engine.IO session below; shared by all sockets of the client."""
        if self._client.engine_socket is None:
            self._client.engine_socket = EngineSocket(self._client.session)
        return self._client.engine_socket

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
            if self._phase is DISCONNECTED:
                self._nursery.close()
        return self._nursery

    def _start_task(self, function: Callable[[], Awaitable[None]], scope: trio.CancelScope) -> None:
        self._runtime.life.start(self, function, scope, name="nursery of a socket")

    def _task_failed(self, error: BaseException) -> None:
        self._runtime.task_failed(self, error)

    # handlers

    def _table(self) -> HandlerTable:
        if self._handlers is None:
            self._handlers = HandlerTable(takes_socket=False)
        return self._handlers

    def _handlers_of(self, event: str | float) -> tuple[Handler, ...]:
        # "connection" is the namespace's; from a client it is an event as any other, for the socket's own handlers
        shared = self.nsp._handlers.by_event.get(event, ()) if event != "connection" else ()
        return shared if self._handlers is None else (*shared, *self._handlers.get(event))

    def ready(self) -> None:
        """Let events through that are held back while the connection handlers run."""
        if not self._ready and self.connected:
            self._ready = True
            if self._hold_deadline < math.inf:
                self._hold_deadline = math.inf
                self._client._set_alarm()
            if self._inbox is not None and self._inbox.has_waiting:
                self._runtime.crew.serve(self)

    def __aiter__(self) -> EventIterator:
        """The events that no handler claims, as ``Event``; the iteration ends with the socket. Implies ``ready``.

        Several that go on at once share the events. When all have been left, unclaimed events are dropped again.
        """
        iterator = self._iterator() if self._iterator is not None else None
        if iterator is None:
            self._unclaimed, received = trio.open_memory_channel[Event](0)
            iterator = EventIterator(received)
            self._iterator = weakref.ref(iterator)
            if self._phase is DISCONNECTED:
                self._unclaimed.close()
        self.ready()
        return iterator

    # rooms

    def join(self, *rooms: Rooms) -> None:
        """Join rooms. In a middleware, they are joined when the client is accepted.

        Raises:
            TypeError: a room is not a ``str``.
        """
        for room in names(rooms):
            if self._phase is CONNECTING:
                if self._rooms_early is None:
                    self._rooms_early = set()
                self._rooms_early.add(room)
            elif self.connected:
                self.nsp._index.join(self, room)

    def leave(self, *rooms: Rooms) -> None:
        """Leave rooms; those it is not in do not matter."""
        for room in names(rooms):
            if self._rooms_early is not None:
                self._rooms_early.discard(room)
            self.nsp._index.leave(self, room)

    def to(self, *rooms: Rooms) -> BroadcastOperator:
        """Those in any of these rooms, but not this socket."""
        return self.broadcast.to(*rooms)

    in_ = to

    def except_(self, *rooms: Rooms) -> BroadcastOperator:
        """Everybody in the namespace but these rooms, and not this socket."""
        return self.broadcast.except_(*rooms)

    @property
    def broadcast(self) -> BroadcastOperator:
        """Everybody in the namespace but this socket."""
        return BroadcastOperator(self.nsp, Target(exclude=frozenset((self.id,))))

    @property
    def local(self) -> BroadcastOperator:
        """As ``broadcast``, not passed on to other servers."""
        return self.broadcast.local

    @property
    def volatile(self) -> SocketOperator:
        """For emits that are dropped if the client cannot take them at once."""
        return SocketOperator(self, Target(volatile=True))

    def compress(self, compress: bool) -> SocketOperator:
        """For emits that may, or may not, be compressed."""
        return SocketOperator(self, Target(compress=compress))

    # sending

    def _raise_disconnected(self) -> NoReturn:
        if self._phase is CONNECTING:
            raise Disconnected("the socket is not connected yet: emit from the connection handler")
        raise Disconnected(f"the socket is disconnected: {self._reason}")

    async def emit(self, event: str | float, *args: Any) -> None:
        """Send an event, waiting for room in the outbox where its policy says so.

        Args:
            event: its name, text or a number.
            *args: JSON values, binary anywhere among them, and what msgspec encodes.

        Raises:
            Disconnected: the socket is not connected; nothing was sent.
            ReservedEventError: the name is Socket.IO's own.
            LocalProtocolError: the arguments cannot be encoded; nothing was sent.

        Cancellation: ``Cancelled`` means that it was not queued. It yields to other tasks when the outbox is half
        full, and at least every 32nd call: the one exception to the rule that each call is a checkpoint.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._phase is not CONNECTED:
            self._raise_disconnected()
        message = self.nsp._encode_plain(event, args) or self.nsp._encode(event, args)
        client = self._client
        conn = client.session.conn
        if client.waiting or conn.send(message) == FULL:
            await client.send_waiting(self, message)
        self._emits += 1
        if self._emits >= EMITS_BETWEEN_CHECKPOINTS or conn.is_loaded:
            await self._let_others_run()

    async def _emit_volatile(self, event: str | float, args: tuple[Any, ...]) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        self._emit_volatile_nowait(event, args)
        self._emits += 1
        if self._emits >= EMITS_BETWEEN_CHECKPOINTS or self._client.session.conn.is_loaded:
            await self._let_others_run()

    async def _let_others_run(self) -> None:
        self._emits = 0
        await trio.lowlevel.cancel_shielded_checkpoint()

    async def send(self, *args: Any) -> None:
        """``emit("message", *args)``."""
        await self.emit("message", *args)

    def emit_nowait(self, event: str | float, *args: Any) -> None:
        """Send an event without waiting; with a full outbox the client is disconnected, or its policy drops.

        Raises:
            Disconnected, ReservedEventError, LocalProtocolError: as ``emit``.
        """
        if self._phase is not CONNECTED:
            self._raise_disconnected()
        message = self.nsp._encode_plain(event, args) or self.nsp._encode(event, args)
        if self._client.session.conn.send(message) == FULL:
            self._client.overflow()

    def _emit_volatile_nowait(self, event: str | float, args: tuple[Any, ...]) -> None:
        if self._phase is not CONNECTED:
            self._raise_disconnected()
        self._client.session.conn.send(self.nsp._encode(event, args), volatile=True)

    async def call(self, event: str | float, *args: Any) -> Any:
        """Send an event and wait for the client's acknowledgement.

        Its time limit is the caller's: ``with trio.fail_after(5): await socket.call(…)``.

        Returns:
            What the client answered; a tuple for several values, None for none.

        Raises:
            Disconnected: the socket has ended; no answer will come.
            ReservedEventError, LocalProtocolError: as ``emit``.

        Cancellation: an answer that comes later is ignored.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._phase is not CONNECTED:
            self._raise_disconnected()
        ack_id = self.nsp._next_ack_id()
        message = self.nsp._encode(event, args, ack_id)
        call = self._expect(ack_id)
        try:
            await self._client.send_wanted(self, message)
            await call.signal.wait()
        finally:
            self._forget(ack_id)
        if call.answer is None:
            raise Disconnected(f"the socket was disconnected: {self._reason}")
        return call.value

    def _expect(self, ack_id: int) -> Call:
        """An acknowledgement will be waited for, until ``_forget``."""
        if self._calls is None:
            self._calls = {}
        self._client.call_started()
        call = self._calls[ack_id] = Call()
        return call

    def _forget(self, ack_id: int) -> None:
        if self._calls is not None:
            self._calls.pop(ack_id, None)
        self._client.call_ended()

    async def flush(self) -> None:
        """Wait until all that was sent to the client so far is written, or lost with the connection."""
        await self._client.flush()

    def disconnect(self, close: bool = False) -> None:
        """Disconnect the client from this namespace; its handlers and tasks are cancelled.

        Args:
            close: from all its namespaces, and end the session.
        """
        if close:
            for socket in list(self._client.sockets.values()):
                socket.disconnect()
            self.conn.close()
        elif self.connected:
            self._client.leave(self.nsp.name)
            self._end(DisconnectReason.SERVER_NAMESPACE_DISCONNECT, "")

    async def _finish(self) -> None:
        """Wait until its events are handled and all that was sent is written, or it has ended."""
        while self.connected and not self._is_idle:
            self._idle = trio.Event()
            await self._idle.wait()
        await self.flush()

    @property
    def _is_idle(self) -> bool:
        return not self._running and (self._inbox is None or not self._inbox.count)

    def _became_idle(self) -> None:
        if self._idle is not None:
            self._idle.set()

    # what the client sent

    def _receive_event(self, event: EventReceived) -> None:
        if self._ready and not self._running and (self._inbox is None or not self._inbox.count):
            if self._handlers is None:
                handlers = self.nsp._handlers.inline.get(event.name)
            else:
                handlers = self._inline_handlers(event.name)
            if handlers:
                self._runtime.run_inline(self, event, handlers)
                return
        if self._inbox is None:
            self._inbox = Inbox(self._client)
        if self._inbox.put(event) and self._ready:
            self._runtime.crew.serve(self)

    def _inline_handlers(self, event: str | float) -> tuple[Handler, ...] | None:
        """The handlers of an event, if there are any and they are all plain functions."""
        handlers = self._handlers_of(event)
        return None if any(handler.is_async for handler in handlers) else handlers

    def _receive_ack(self, ack: AckReceived) -> None:
        call = self._calls.pop(ack.ack_id, None) if self._calls is not None else None
        if call is not None:
            call.answer = ack.args
            call.signal.set()

    def _acknowledge(self, ack_id: int, values: tuple[Any, ...]) -> None:
        """Answer an event."""
        if self._phase is CONNECTED:
            self._client.push_protected(self.nsp._encode_ack(ack_id, values))
        else:
            self._runtime.acks_dropped += 1

    # life and end

    def _accept(self) -> None:
        self._phase = CONNECTED
        self.nsp._index.add(self, self._client.session.conn)
        for room in self._rooms_early or ():
            self.nsp._index.join(self, room)
        self._rooms_early = None
        untrack(self, self._client.sockets)
        self._client.accept(self.nsp.name, self.id)  # its outbox may be full, which ends it

    def _refuse(self, error: dict[str, Any]) -> None:
        self._client.refuse(self.nsp.name, error)
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
        if self._phase is DISCONNECTED:
            return
        self._phase = DISCONNECTED
        self.nsp._index.mute(self)
        self._ready = False
        self._reason, self._description = reason, description
        if self._inbox is not None:
            self._inbox.clear()
        self._became_idle()
        self._client.sockets.pop(self.nsp.name, None)
        for call in (self._calls or {}).values():
            call.signal.set()
        self._client.writable()
        if self._unclaimed is not None:
            self._unclaimed.close()
        if self._nursery is not None:
            self._nursery.close()
        self._runtime.life.end(self)

    def _leave_all(self) -> None:
        self.nsp._index.remove(self)

    def _vanish(self) -> None:
        """The last that happens to a socket: nobody finds it any more, and it keeps nothing that refers to it."""
        self._leave_all()
        self._handlers = self._nursery = None
        track(self, self._client.sockets)
