"""The Socket.IO server, the object that applications construct."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from os import PathLike
from typing import Any, TypeVar, Unpack, overload

from trio_socketio.adapters import (
    Adapter,
    AdapterFactory,
    AdapterState,
    LocalAdapter,
    RoomEvent,
    RoomObserver,
)
from trio_socketio.engine_server import EngineServer, engine_below
from trio_socketio.handlers import HandlerFunction, require_hook
from trio_socketio.server._config import ServerConfig, ServerOptions
from trio_socketio.server._listening import Listening, NamespaceHandlers
from trio_socketio.server._namespace import Namespace
from trio_socketio.server._namespace_state import NamespaceState
from trio_socketio.server._operators import EVERYBODY, BroadcastOperator
from trio_socketio.server._runtime import Runtime
from trio_socketio.server._socket import Socket
from trio_socketio.serving import Serving

__all__ = ["Server"]

F = TypeVar("F", bound=HandlerFunction)
ErrorHook = Callable[[Socket, str | float, Exception], object]
H = TypeVar("H", bound=ErrorHook)
StateHook = TypeVar("StateHook", bound=Callable[[AdapterState], object])
Observer = TypeVar("Observer", bound=RoomObserver)


class Server(Listening, BroadcastOperator, Serving[ServerConfig, Runtime]):
    """A Socket.IO server. Constructing it does no I/O and needs no running Trio.

    The server is also the operator that chooses all sockets of the main namespace.

    Args:
        **options: see ``ServerOptions``. Times are in seconds, sizes in bytes.

    Raises:
        TypeError: an option does not exist (the message names a similar one), has a value of the wrong type, or belongs
            to the given ``engine``.
        ValueError: an option's value is out of range, or the given ``engine`` cannot be used.
    """

    _namespace: NamespaceState

    def __init__(self, **options: Unpack[ServerOptions]) -> None:
        config = ServerConfig.make(options)
        self._engine, state = engine_below(config, config.engine)
        Serving.__init__(self, config, state)
        self._namespaces: dict[str, NamespaceState] = {}
        self._error_hooks: list[ErrorHook] = []
        self._state_hooks: list[Callable[[AdapterState], object]] = []
        main = self._make_namespace("/")
        BroadcastOperator.__init__(self, main, EVERYBODY)

    # namespaces and handlers

    def of(self, name: str) -> Namespace:
        """Return the namespace of this name, and make it if necessary. A missing leading slash is added.

        Raises:
            ValueError: a packet cannot contain the name: it has a comma, a control character or a surrogate.
        """
        if "," in name or not name.isprintable():
            raise ValueError(
                f"the name of a namespace must not contain a comma or an unprintable character, but {name!r} does"
            )
        name = str.__str__(name)  # turns a member of a StrEnum into a plain str
        if not name.startswith("/"):
            name = f"/{name}"
        namespace = self._namespaces.get(name) or self._make_namespace(name)
        return namespace.public

    def _make_namespace(self, name: str) -> NamespaceState:
        keyed = self._config.outbox.policy == "latest_per_event"
        handlers = NamespaceHandlers(Socket)
        namespace = NamespaceState(name, handlers, keyed=keyed, require_runtime=self._require_runtime)
        namespace.public = Namespace(self, namespace)
        namespace.set_adapter(self._make_adapter(namespace))
        self._namespaces[name] = namespace
        return namespace

    @property
    def sockets(self) -> Mapping[str, Socket]:
        """The connected sockets of the main namespace, by id."""
        return self._namespace.public.sockets

    def _table(self) -> NamespaceHandlers:
        return self._namespace.handlers

    def use(self, middleware: F) -> F:
        """Register a middleware of the main namespace; see ``Namespace.use``."""
        return self._namespace.public.use(middleware)

    @overload
    def on_room(self, event: RoomEvent, observer: Observer) -> Observer: ...
    @overload
    def on_room(self, event: RoomEvent, observer: None = None) -> Callable[[Observer], Observer]: ...

    def on_room(
        self, event: RoomEvent, observer: Observer | None = None
    ) -> Observer | Callable[[Observer], Observer]:
        """Register a function that is called for changes of the main namespace's rooms; see ``Namespace.on_room``."""
        return self._namespace.public.on_room(event, observer)

    @overload
    def on_server(self, event: str, handler: F) -> F: ...
    @overload
    def on_server(self, event: str, handler: None = None) -> Callable[[F], F]: ...

    def on_server(self, event: str, handler: F | None = None) -> F | Callable[[F], F]:
        """Register a handler for an event of other servers to the main namespace; see ``Namespace.on_server``."""
        return self._namespace.public.on_server(event, handler)

    def on_adapter_state(self, hook: StateHook) -> StateHook:
        """Call ``hook(state)`` when the link to the other servers of the cluster changes its ``AdapterState``.

        It is a plain function and must not block. Adapters of one process never call it.

        Raises:
            TypeError: the hook is async, or cannot take this argument.
        """
        require_hook(hook, "an on_adapter_state hook", 1)
        self._state_hooks.append(hook)
        return hook

    def set_default_adapter(self, adapter: AdapterFactory) -> None:
        """Use this adapter if the server has no option ``adapter``. ``serve_workers`` calls this in its processes.

        Raises:
            RuntimeError: the server runs.
        """
        if self._runtime is not None:
            raise RuntimeError("the server runs, so its adapter cannot be set")
        if self._config.adapter is not LocalAdapter:
            return
        self._config = replace(self._config, adapter=adapter)
        for namespace in self._namespaces.values():
            namespace.set_adapter(self._make_adapter(namespace))

    def _make_adapter(self, namespace: NamespaceState) -> Adapter[Any]:
        adapter = self._config.adapter(namespace)
        if not isinstance(adapter, Adapter):
            raise TypeError(
                f"adapter must return an Adapter for the namespace {namespace.name!r}, not {adapter!r}"
            )
        return adapter

    def on_error(self, hook: H) -> H:
        """Call ``hook(socket, event, error)`` for every error of a handler. It is a plain function and must not block.

        Raises:
            TypeError: the hook is async, or cannot take these arguments.
        """
        require_hook(hook, "an on_error hook", 3)
        self._error_hooks.append(hook)
        return hook

    @property
    def engine(self) -> EngineServer:
        """The Engine.IO server below: it has the hooks for HTTP requests, and the number of sessions."""
        return self._engine

    @property
    def connect_timeout(self) -> float:
        """The option ``connect_timeout``."""
        return self._config.connect_timeout

    @property
    def serve_client(self) -> str | PathLike[str] | None:
        """The option ``serve_client``."""
        return self._config.serve_client

    # running

    def _make_runtime(self) -> Runtime:
        return Runtime(
            self._config,
            self._engine_state,
            self._namespaces,
            self._error_hooks,
            self._state_hooks,
            logging.getLogger("trio_socketio.socket"),
        )
