"""Logs refused requests if the operator can correct the cause, each cause at most once a minute."""

from __future__ import annotations

import logging
import re

import trio

from trio_socketio.engineio import EngineRequest, Refusal
from trio_socketio.net._log_limit import LogLimit

__all__ = ["RefusalLog"]

#: The form of the ids that ``generate_sid`` makes.
_OUR_SID = re.compile(r"[\w-]{20}", re.ASCII)

#: A hint or a refused origin is logged once in so many seconds, and at most so many origins in this time.
LOG_INTERVAL, MOST_ORIGINS = 60.0, 100


class RefusalLog:
    """Logs the causes of refusals.

    Args:
        logger: the logger.
        ids_are_ours: whether ``generate_sid`` makes all session ids.
    """

    def __init__(self, logger: logging.Logger, *, ids_are_ours: bool) -> None:
        self._logger = logger
        self._ids_are_ours = ids_are_ours
        self._hints = LogLimit(LOG_INTERVAL, 3)
        self._origins = LogLimit(LOG_INTERVAL, MOST_ORIGINS)

    def refused(self, request: EngineRequest, refusal: Refusal) -> None:
        """Log why a request was refused, if a change of options or of the application would help."""
        if refusal is Refusal.SESSION_UNKNOWN:
            self._hint(self._session_hint(request.sid))
        elif refusal is Refusal.PROTOCOL_VERSION and request.revision == 3:
            self._hint(
                "refused a client of Engine.IO revision 3, which Socket.IO 1 and 2 use: "
                "allow_eio3=True serves such clients"
            )
        elif refusal is Refusal.FORBIDDEN:
            self._warn_of_origin(request)

    def _session_hint(self, sid: str) -> str:
        if self._ids_are_ours and not _OUR_SID.fullmatch(sid):
            return (
                "refused a request: its sid does not have the form of a session id. "
                "An application must not call its own query parameter sid"
            )
        return (
            "refused a request of a session that this server does not have. This is normal after the end of a session. "
            "If it happens often, the requests of a client reach several servers: configure sticky sessions in the "
            "proxy; or, on one host, serve with workers (python -m trio_socketio serve), which need none; or let "
            "clients use transports: ['websocket']"
        )

    def _hint(self, hint: str) -> None:
        if self._hints.allows(hint, trio.current_time()):
            self._logger.info(hint)

    def _warn_of_origin(self, request: EngineRequest) -> None:
        origin = request.referer_origin if request.origin is None else request.origin
        if self._origins.allows(origin[:100], trio.current_time()):
            self._logger.warning(
                "refused a request from origin %.100r to host %.100r, because they differ. Allow the origin with "
                "cors=[...]; or, if a proxy in front changes the host or the scheme, name it in trusted_proxies=[...]",
                origin,
                request.headers.get("host", ""),
            )
