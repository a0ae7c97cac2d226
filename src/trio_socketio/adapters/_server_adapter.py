"""The interface between a server and an adapter that connects it to other servers."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import Any, Protocol, final

from trio_socketio._adapter_health import AdapterHealth, AdapterState
from trio_socketio.adapters._adapter import Adapter
from trio_socketio.adapters._members import NamespaceHost

__all__ = ["ServerAdapter", "ServerHost"]


class ServerHost(Protocol):
    """A running server, as its adapter sees it."""

    @property
    def log(self) -> logging.Logger:
        """The server's logger."""
        ...

    @property
    def write_timeout(self) -> float:
        """How long ``await emit`` may wait for room in the queue of the adapter, in seconds."""
        ...

    def adapter_state_changed(self, state: AdapterState) -> None:
        """Call the hooks that the application has registered with ``on_adapter_state``."""


class ServerAdapter(ABC):
    """An adapter for all namespaces of one server: ``Server(adapter=RedisAdapter(url))``.

    The server calls the object once for each namespace. Its namespaces exist before it runs. The tasks of the object
    run in ``run``.
    """

    #: The namespaces of the server; None before the first one.
    _names: set[str] | None = None

    @final
    def __call__(self, host: NamespaceHost[Any]) -> Adapter[Any]:
        """Return the adapter of a namespace.

        Raises:
            TypeError: another server uses this object already.
        """
        if self._names is None:
            self._names = set()
        if host.name in self._names:
            raise TypeError(
                f"{type(self).__name__} serves one server, and another one uses this object already"
            )
        self._names.add(host.name)
        return self.make(host)

    @abstractmethod
    def make(self, host: NamespaceHost[Any]) -> Adapter[Any]:
        """Make the adapter of a namespace. It must not wait and starts no task."""

    def start(self) -> None:  # noqa: B027  # most adapters have nothing to do here
        """Drop the events that were emitted while the server did not run. No client received them. ``run`` follows."""

    @abstractmethod
    async def run(self, host: ServerHost) -> None:
        """Run the tasks of the adapter until cancelled.

        The server calls this when it starts, and does not wait for a link to other servers. If it raises an exception,
        that is logged, and the server goes on alone.
        """

    @abstractmethod
    async def stop(self) -> None:
        """Publish what is queued, and leave the cluster.

        The server calls this when it stops, after all handlers have ended, within ``disconnect_timeout``. Then it
        cancels ``run``.
        """

    @abstractmethod
    def health(self) -> AdapterHealth:
        """Return the state of the link, and the counters."""
