"""One Engine.IO session as the Socket.IO server sees it: its sockets, its inbox limits, its outbox."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import trio

from trio_socketio._core import Message, PushStatus, track, untrack
from trio_socketio.engineio import EngineRequest, Session, generate_sid
from trio_socketio.errors import Disconnected, DisconnectReason, RemoteProtocolError
from trio_socketio.socketio import (
    AckReceived,
    ConnectReceived,
    EventReceived,
    Incoming,
    Packet,
    PacketType,
    Protocol4Connection,
    SocketIOConnection,
    encode,
)

if TYPE_CHECKING:
    from trio_socketio.server._runtime import Runtime
    from trio_socketio.server._sending import Sending
    from trio_socketio.server._socket import Socket

__all__ = ["FULL", "Client", "EngineSocket"]

#: What ``Connection.send`` returns when there is no room: a number, because to make a ``PushStatus`` takes 0.4 µs.
FULL = int(PushStatus.FULL)


class EngineSocket:
    """The Engine.IO session below a socket, as applications see it (``socket.conn``)."""

    __slots__ = ("_listeners", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._listeners: list[Callable[[], object]] = []

    @property
    def id(self) -> str:
        """The session id: a secret between the client and the server."""
        return self._session.sid

    @property
    def transport(self) -> Any:
        """What serves the session now; its ``name`` is ``"polling"`` or ``"websocket"``."""
        return self._session.transport

    @property
    def driver(self) -> str:
        """Who carries its bytes now: ``"reactor"``, ``"stream"`` or ``"polling"``."""
        return self._session.transport.driver

    @property
    def request(self) -> EngineRequest:
        """The first HTTP request."""
        return self._session.request

    def on(self, event: str, listener: Callable[[], object]) -> None:
        """Call ``listener()`` at ``"upgrade"``, when the session has moved to WebSocket. It must not block."""
        if event != "upgrade":
            raise ValueError(f"the event of an Engine.IO socket is 'upgrade', not {event!r}")
        if inspect.iscoroutinefunction(listener):
            raise TypeError("a listener for the upgrade is a plain def: nothing would await it")
        self._listeners.append(listener)

    def close(self) -> None:
        """End the session; its sockets end with the reason ``forced server close``.

        What is queued is still sent; over polling it waits ``polling_close_timeout`` for the next poll.
        """
        linger = trio.current_time() + self._session.engine.options.polling_close_timeout
        self._session.close(DisconnectReason.FORCED_SERVER_CLOSE, "closed by the application", linger=linger)


class Client:
    """The observer of one session.

    Attributes:
        sockets: by namespace.
        issued: when the session began, in milliseconds since the epoch.
        waiting: how many wait for room in the outbox; nobody who comes later may take it.
    """

    __slots__ = ("_alarm", "_calls", "_full", "_room", "connection", "engine_socket", "issued",
                 "runtime", "session", "sockets", "waiting")  # fmt: skip

    def __init__(self, runtime: Runtime, session: Session, now: float) -> None:
        self.runtime = runtime
        self.session = session
        protocol = SocketIOConnection if session.request.revision == 4 else Protocol4Connection
        self.connection = protocol(runtime.connection_options, now)
        self.sockets: dict[str, Socket] = {}
        self.issued = time.time_ns() // 1_000_000
        self.engine_socket: EngineSocket | None = None
        self._alarm = math.inf
        self._calls = 0
        self._full = 0
        self.waiting = 0
        self._room: trio.lowlevel.ParkingLot | None = None
        self._set_alarm()
        untrack(self)

    # the session's observer

    def opened(self, now: float) -> None:
        """The client is told about its session; one of protocol 4 is in the main namespace now."""
        incoming = self.connection.join_main()
        if incoming is not None:
            self._take(incoming)

    def text(self, data: bytes, now: float) -> None:
        """Take one text message; a packet that breaks the protocol ends the session."""
        try:
            incoming = self.connection.receive_text(data, now)
        except RemoteProtocolError as error:
            self._broken(error)
            return
        if type(incoming) is not EventReceived:
            self._take(incoming)
        elif (socket := self.sockets.get(incoming.namespace)) is not None:
            socket._receive_event(incoming)  # what most are; it changes no deadline

    def binary(self, data: bytes, now: float) -> None:
        """Take one attachment."""
        try:
            incoming = self.connection.receive_binary(data, now)
        except RemoteProtocolError as error:
            self._broken(error)
        else:
            self._take(incoming)

    def _take(self, incoming: Incoming | None) -> None:
        self._set_alarm()
        if incoming is None:
            return
        if isinstance(incoming, ConnectReceived):
            self._connect(incoming)
            return
        socket = self.sockets.get(incoming.namespace)
        if socket is None:
            return
        if isinstance(incoming, EventReceived):
            socket._receive_event(incoming)
        elif isinstance(incoming, AckReceived):
            socket._receive_ack(incoming)
        else:
            socket._end(DisconnectReason.CLIENT_NAMESPACE_DISCONNECT, "the client left")

    def writable(self) -> None:
        """Let those try again who wait for room."""
        if self._room is not None:
            self._room.unpark_all()

    def alarm(self, now: float) -> None:
        """A deadline has come."""
        for socket in list(self.sockets.values()):
            if socket._hold_deadline <= now:
                socket.ready()
        try:
            self.connection.check_deadline(now)
        except RemoteProtocolError as error:
            self._broken(error)
            return
        self._set_alarm()

    def upgraded(self) -> None:
        """Tell the application that listens."""
        for listener in self.engine_socket._listeners if self.engine_socket is not None else ():
            try:
                listener()
            except Exception:
                self.runtime.log.exception("a listener for the upgrade failed")

    def closed(self, reason: DisconnectReason, description: str) -> None:
        """The session has ended: its sockets end."""
        for socket in list(self.sockets.values()):
            socket._end(reason, description)
        self.writable()
        if self.engine_socket is not None:
            self.engine_socket._listeners.clear()  # they may refer to a socket, which refers to this
        track(self)

    def _broken(self, error: RemoteProtocolError) -> None:
        self.runtime.log.info("session %s… broke the protocol: %.200s", self.session.sid[:6], error)
        self.session.close(DisconnectReason.FORCED_CLOSE, str(error), code=1002)

    def _set_alarm(self) -> None:
        """Some deadline may have changed."""
        deadline = self.connection.deadline
        for socket in self.sockets.values():
            deadline = min(deadline, socket._hold_deadline)
        if deadline != self._alarm:
            self._alarm = deadline
            self.session.set_alarm(deadline)

    # namespaces

    def _connect(self, request: ConnectReceived) -> None:
        namespace = self.runtime.server._namespaces.get(request.namespace)
        if namespace is None:
            self._refuse(request.namespace, {"message": "Invalid namespace"})
        else:
            self.runtime.start_socket(namespace, self, request.auth)

    def socket_id(self, namespace: str) -> str:
        """The id of a socket in this namespace. What protocol 4 makes of the session's is known to its client."""
        if self.connection.protocol == 5:
            return generate_sid()
        sid = self.session.sid
        return sid if namespace == "/" else f"{namespace}#{sid}"

    def refuse(self, namespace: str, error: dict[str, Any]) -> None:
        """Answer a CONNECT that a middleware refuses with CONNECT_ERROR."""
        self._refuse(namespace, self.connection.refusal(error))

    def _refuse(self, namespace: str, data: Any) -> None:
        self.send_protected(Packet(PacketType.CONNECT_ERROR, namespace, data))
        self.connection.refused(namespace)

    def accept(self, namespace: str, socket_id: str) -> None:
        """Answer a CONNECT with CONNECT."""
        self.connection.accepted(namespace)
        self._set_alarm()
        self.send_protected(Packet(PacketType.CONNECT, namespace, self.connection.acceptance(socket_id)))

    def leave(self, namespace: str) -> None:
        """We disconnect the client from a namespace."""
        self.connection.disconnected(namespace, trio.current_time())
        self._set_alarm()
        self.send_protected(Packet(PacketType.DISCONNECT, namespace))

    # sending

    def send_protected(self, packet: Packet) -> None:
        """Queue what no policy may drop: CONNECT, CONNECT_ERROR and DISCONNECT."""
        self.push_protected(encode(packet))

    def push_protected(self, message: Message) -> None:
        """The same for what is encoded, such as acknowledgements."""
        if self.session.conn.send_protected(message, self.runtime.protected_factor) == FULL:
            self.overflow()

    def overflow(self) -> None:
        """The outbox is full, and the next message can neither wait nor be dropped: give the client up."""
        limits = self.runtime.config.outbox
        size = f"{limits.max_packets} packets, {limits.max_bytes} bytes"
        self.give_up(f"the client does not read: outbox of {size} is full")

    def give_up(self, description: str) -> None:
        """End the session: a limit is passed that cannot make its client wait."""
        if self.session.is_open:
            self.runtime.log.warning("session %s… is disconnected: %s", self.session.sid[:6], description)
            self.session.fail(DisconnectReason.FORCED_SERVER_CLOSE, description, code=1008)

    async def send_wanted(self, socket: Sending, message: Message) -> None:
        """Queue a message that an answer is waited for: no policy may drop it. As ``send_waiting``."""
        if self.runtime.config.outbox.policy not in ("disconnect", "block"):
            self.push_protected(message)
        elif self.waiting or self.session.conn.send(message) == FULL:
            await self.send_waiting(socket, message)

    async def send_waiting(self, socket: Sending, message: Message) -> None:
        """Queue a message that no room was found for, as soon as there is some, where the policy says so.

        Args:
            socket: whose message it is.
            message: what to send.

        Raises:
            Disconnected: the socket has ended meanwhile, or has been given up after ``write_timeout``.
        """
        config = self.runtime.config
        timeout = config.write_timeout if config.outbox.policy == "disconnect" else math.inf
        room = self._waiting_room()
        self.waiting += 1
        try:
            with trio.move_on_after(timeout):
                while True:
                    await room.park()
                    if not socket.connected:
                        raise Disconnected(f"the socket was disconnected: {socket._reason}")
                    if self.session.conn.send(message) != FULL:
                        return
        finally:
            self.waiting -= 1
            room.unpark_all()  # whoever came later may find room that this one has not used
        self.give_up(f"the client did not read for write_timeout={timeout:g} s")
        raise Disconnected("the socket was disconnected: nothing was read for write_timeout")

    def _waiting_room(self) -> trio.lowlevel.ParkingLot:
        """Where those wait who want to know that something was written."""
        if self._room is None:
            self._room = trio.lowlevel.ParkingLot()
            self.session.conn.watched = True
        return self._room

    async def flush(self) -> None:
        """Wait until all that is queued now is written, dropped, or lost with the session."""
        conn = self.session.conn
        target = conn.pushed
        room = self._waiting_room()
        await trio.lowlevel.checkpoint()
        while conn.confirmed < target and self.session.is_open:
            await room.park()

    # backpressure

    @property
    def calls_pending(self) -> bool:
        """Whether an acknowledgement is waited for."""
        return self._calls > 0

    def call_started(self) -> None:
        """An acknowledgement is waited for: reading goes on."""
        self._calls += 1
        self._update_reading()

    def call_ended(self) -> None:
        """No longer."""
        self._calls -= 1
        self._update_reading()

    def inbox_full(self) -> None:
        """A socket's inbox is above its soft limit."""
        self._full += 1
        self._update_reading()

    def inbox_drained(self) -> None:
        """It is no longer."""
        self._full -= 1
        self._update_reading()

    def _update_reading(self) -> None:
        if not self.session.is_open:
            return
        if self._full and not self._calls:
            self.session.pause()
        else:
            self.session.resume(trio.current_time())
