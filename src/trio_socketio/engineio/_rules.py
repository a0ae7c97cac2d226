"""The rules that decide which requests may open or use a session.

The order of the checks and the error messages are those of Node's engine.io.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping

from trio_socketio.engineio._hooks import INTERRUPTS, EngineHooks
from trio_socketio.engineio._options import EngineOptions, takes_request
from trio_socketio.engineio._request import EngineRequest, Refusal, is_same_origin
from trio_socketio.engineio._session import Session
from trio_socketio.engineio._tokens import is_field_value

__all__ = ["Rules"]


class Rules:
    """The rules of one engine for requests. No method waits.

    Args:
        options: the options of the engine.
        sessions: the sessions of the engine by id.
        hooks: the hooks of the application.
        logger: the logger for refusals and for faults of the application.

    Attributes:
        refused: the number of refused requests, by the context of the refusal.
    """

    def __init__(
        self,
        options: EngineOptions,
        sessions: Mapping[str, Session],
        hooks: EngineHooks,
        logger: logging.Logger,
    ) -> None:
        self._options = options
        self._sessions = sessions
        self._hooks = hooks
        self._logger = logger
        self.refused: dict[str, int] = {}
        self._generate_id: Callable[..., str | Awaitable[str]] = options.generate_id
        self._id_takes_request = takes_request(options.generate_id)

    def verify(self, request: EngineRequest, granted: bool | None = None) -> Refusal | None:
        """Return why this request is refused, or None. The order of the checks is Node's.

        For a handshake that passes, call ``allow_request`` next and ``admit`` last.

        Args:
            request: the request.
            granted: whether the option ``cors`` allows the origin, if this was found out before; None: check it.
        """
        refusal = self._verify(request, granted)
        return None if refusal is None else self.refuse(request, refusal)

    def admit(self, request: EngineRequest, sid: str | None = None) -> Refusal | None:
        """Return why a verified handshake is refused after all, or None: then open its session at once.

        Args:
            request: the request.
            sid: the session id; None: call ``generate_id``, which then must not be async.
        """
        refusal = self._admit(request, sid)
        return None if refusal is None else self.refuse(request, refusal)

    def refuse(self, request: EngineRequest, refusal: Refusal, message: str | None = None) -> Refusal:
        """Count a refusal, log it and call the hooks. Call this once for each refused request."""
        self.refused[refusal.context] = self.refused.get(refusal.context, 0) + 1
        self._logger.debug("refused %s request: %s", request.method, refusal.context)
        text = refusal.message if message is None else message
        for hook in self._hooks.connection_error:
            try:
                hook(request, refusal.code, text, refusal.context)
            except INTERRUPTS:
                raise
            except BaseException:
                self._logger.exception("a hook for connection_error failed")
        return refusal

    def _verify(self, request: EngineRequest, granted: bool | None) -> Refusal | None:
        transport = request.query.get("transport")
        if transport not in self._options.transports:
            return Refusal.TRANSPORT_UNKNOWN
        if request.jsonp is not None and not self._options.jsonp:
            return Refusal.JSONP_NOT_ALLOWED
        origin = request.origin
        if origin is not None or request.jsonp is not None:
            if origin is not None and not is_field_value(origin):
                return Refusal.INVALID_ORIGIN
            if not self.origin_allowed(request, granted):
                return Refusal.FORBIDDEN
        if request.sid:
            return self._verify_session(request, transport)
        if request.method != "GET":
            return Refusal.METHOD
        if request.upgrade != (transport == "websocket"):
            return Refusal.TRANSPORT_HANDSHAKE
        return None

    def supports_revision(self, request: EngineRequest) -> bool:
        """Return whether the server supports the revision of the Engine.IO protocol that the client uses."""
        return request.revision == 4 or (request.revision == 3 and self._options.allow_eio3)

    def make_ids_by(self, make_id: Callable[[], str]) -> None:
        """Call this function for new session ids, and not the option ``generate_id``."""
        self._generate_id, self._id_takes_request = make_id, False

    def generate_id(self, request: EngineRequest) -> str | Awaitable[str]:
        """Call the application's function for a new session id. Its exceptions are passed on."""
        return self._generate_id(request) if self._id_takes_request else self._generate_id()

    def _admit(self, request: EngineRequest, sid: str | Awaitable[str] | None) -> Refusal | None:
        if not self.supports_revision(request):
            return Refusal.PROTOCOL_VERSION
        if sid is None:
            try:
                sid = self.generate_id(request)
            except Exception:
                self._logger.exception("generate_id failed: no session is opened")
                return Refusal.ID_GENERATION
        if not isinstance(sid, str) or not sid or sid in self._sessions:
            self._logger.error(
                "generate_id must return a str that is neither empty nor in use: no session is opened"
            )
            return Refusal.ID_GENERATION
        request.new_sid = sid
        return None

    def _verify_session(self, request: EngineRequest, transport: str) -> Refusal | None:
        session = self._sessions.get(request.sid)
        if session is None:
            return Refusal.SESSION_UNKNOWN
        if request.eio != session.request.eio:
            return Refusal.PROTOCOL_MISMATCH
        if request.upgrade:
            if transport != "websocket":
                return Refusal.TRANSPORT_MISMATCH
            return None if self._options.allow_upgrades else Refusal.UPGRADE_NOT_ALLOWED
        if not transport == session.transport.name == "polling":
            return Refusal.TRANSPORT_MISMATCH
        return None

    def origin_allowed(self, request: EngineRequest, granted: bool | None = None) -> bool:
        """Return whether a page of this origin may use the server; ``granted`` as for ``verify``.

        A request without an Origin is allowed, because clients other than browsers send none. A JSONP request must have
        an Origin or a Referer, because any page can contain a script tag.
        """
        origin = request.origin
        if origin is None:
            if request.jsonp is None:
                return True
            origin = request.referer_origin  # a script tag sends no Origin
        if granted:
            return True
        if granted is None and self._options.cors.allows(origin, request) is True:
            return True
        return is_same_origin(origin, request.headers.get("host", ""), secure=request.secure)
