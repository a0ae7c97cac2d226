"""Answers requests that are not for the engine: health checks, files, and 404."""

from __future__ import annotations

from collections.abc import Callable

from trio_socketio.engineio import EngineRequest, EngineResponse
from trio_socketio.net._files import Files
from trio_socketio.net._health import Health, health_response

__all__ = ["NOT_FOUND", "Site"]

NOT_FOUND = EngineResponse(404, [("Content-Length", "0")])


class Site:
    """The paths of one server.

    Args:
        engine_paths: the paths of the engine.
        files: the files that are served.
        health_path: the path of the health check; None: there is none.
        health: returns the state of the server.
    """

    def __init__(
        self,
        engine_paths: tuple[str, ...],
        files: Files,
        health_path: str | None,
        health: Callable[[], Health],
    ) -> None:
        self._engine_paths = engine_paths
        self._files = files
        self._health_path = health_path
        self._health = health

    def is_for_engine(self, request: EngineRequest) -> bool:
        """Return whether the engine answers this request."""
        return request.path in self._engine_paths

    def respond_outside_engine(self, request: EngineRequest) -> EngineResponse | None:
        """Return the response to a request that is not for the engine; None: the site does not have its path."""
        if request.path == self._health_path:
            return health_response(request.method, self._health())
        return self._files.response(request.method, request.path, request.headers)
