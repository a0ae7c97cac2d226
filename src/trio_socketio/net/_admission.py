"""Decides whether a request may go on to the engine.

It applies trusted proxies, CORS, middlewares, the engine's rules and the application's hooks, in this order. Unless the
application has functions to ask, the check is synchronous and creates no coroutine.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Protocol

import trio

from trio_socketio._passing import PASSING, passes
from trio_socketio.engineio import (
    Engine,
    EngineRequest,
    EngineResponse,
    Proxies,
    Refusal,
    RefusedError,
    generate_sid,
    is_field_value,
)
from trio_socketio.net._middlewares import forbidden_in, pass_middlewares
from trio_socketio.net._refusal_log import RefusalLog

__all__ = ["STOPPING", "Admission", "Waiting"]

STOPPING = EngineResponse(503, [("Retry-After", "1"), ("Content-Length", "0")], close=True)
INTERNAL_ERROR = EngineResponse(500, [("Content-Length", "0")])


class Waiting(Protocol):
    """A connection whose current request may wait for the application.

    Attributes:
        idle: the scope of a wait that is cancelled when the server stops; None: there is none.
    """

    idle: trio.CancelScope | None


class Admission:
    """Admits requests to one engine, or refuses them.

    Args:
        engine: the engine, whose options, hooks and rules decide.
        refuses: returns whether to refuse a request because the server drains or stops.
        logger: for refusals and for failures of the application's functions.
    """

    def __init__(
        self, engine: Engine, refuses: Callable[[EngineRequest], bool], logger: logging.Logger
    ) -> None:
        options = engine.options
        self._engine = engine
        self._refuses = refuses
        self._logger = logger
        self._middlewares = engine.hooks.middlewares
        self._cors = options.cors if options.cors.is_open else None
        self._proxies = (
            Proxies(options.trusted_proxies, options.proxy_header) if options.trusted_proxies else None
        )
        self._asks_about_origins = callable(options.cors.origin)
        self._asks_about_handshakes = (
            options.allow_request is not None or options.generate_id is not generate_sid
        )
        self._refusal_log = RefusalLog(logger, ids_are_ours=options.generate_id is generate_sid)

    def may_wait(self, request: EngineRequest) -> bool:
        """Return whether the application must be asked, so that the caller uses ``check`` and not ``check_now``."""
        return (
            bool(self._middlewares)
            or self._asks_about_origins
            or (self._asks_about_handshakes and not request.sid)
        )

    def check_now(self, request: EngineRequest) -> EngineResponse | None:
        """Check a request without asking the application.

        Returns:
            The response to a request that does not go on to the engine; None: it goes on, and a handshake may open its
            session at once.
        """
        if self._proxies is not None:
            self._apply_trusted_proxies(self._proxies, request)
        granted = None
        if self._cors is not None:
            origin = self._origin(request)
            granted = None if origin is None else self._cors.allows(origin, request) is True
            preflight = self._begin_cors(request, granted)
            if preflight is not None:
                return preflight
        refusal = self._engine.rules.verify(request, granted)
        if refusal is None and not request.sid:
            refusal = self._engine.rules.admit(request)
        return None if refusal is None else self._response(request, refusal)

    async def check(self, request: EngineRequest, http: Waiting) -> EngineResponse | None:
        """Check a request as ``check_now`` does, and ask the application.

        The application's functions are cancelled after ``admission_timeout``, or when the server stops.

        Cancellation: the application's functions are cancelled; no session is opened.
        """
        late = Refusal.MIDDLEWARE_FAILURE
        try:
            with trio.move_on_after(self._engine.options.admission_timeout) as http.idle:
                if self._proxies is not None:
                    self._apply_trusted_proxies(self._proxies, request)
                granted = await self._granted(request)
                preflight = self._begin_cors(request, granted)
                if preflight is not None:
                    return preflight
                if self._refuses(request):
                    return STOPPING
                await pass_middlewares(self._middlewares, request, self._logger)
                refusal = self._engine.rules.verify(request, granted)
                if refusal is None and not request.sid:
                    late = Refusal.FORBIDDEN
                    answer = await self._ask(request)
                    if answer is not None:
                        return answer
                    late = Refusal.ID_GENERATION
                    refusal = self._engine.rules.admit(request, await self._new_id(request))
                return None if refusal is None else self._response(request, refusal)
        except RefusedError as refused:
            return self._engine.rules.refuse(request, refused.refusal, refused.message).response(
                refused.message
            )
        except PASSING:
            raise
        except BaseException as error:
            if passes(error):
                raise
            self._logger.exception(
                "the application raised an exception when it was cancelled: admission_timeout was over, "
                "or the server stops"
            )
        finally:
            http.idle = None
        if self._refuses(request):
            return STOPPING
        self._logger.warning(
            "refused a request: the application's functions took longer than admission_timeout=%g seconds",
            self._engine.options.admission_timeout,
        )
        return self._engine.rules.refuse(request, late).response()

    def apply_trusted_proxies(self, request: EngineRequest) -> None:
        """Set the client's address and scheme from the headers of trusted proxies, for a request outside the engine."""
        if self._proxies is not None:
            self._apply_trusted_proxies(self._proxies, request)

    # the steps of both checks, in their order

    @staticmethod
    def _apply_trusted_proxies(proxies: Proxies, request: EngineRequest) -> None:
        request.address, request.secure = proxies.resolve(request.address, request.secure, request.headers)

    @staticmethod
    def _origin(request: EngineRequest) -> str | None:
        origin = request.origin
        if origin is None and request.jsonp is not None:
            origin = request.referer_origin  # a script tag sends no Origin
        return origin if origin is not None and is_field_value(origin) else None

    async def _granted(self, request: EngineRequest) -> bool | None:
        origin = self._origin(request)
        if self._cors is None or origin is None:
            return None
        try:
            allowed = self._cors.allows(origin, request)
            return (allowed if isinstance(allowed, bool) else await allowed) is True
        except BaseException as error:
            if passes(error):
                raise
            self._logger.exception("refused a request: the function for cors raised an exception")
            raise RefusedError(Refusal.MIDDLEWARE_FAILURE) from None

    def _begin_cors(self, request: EngineRequest, granted: bool | None) -> EngineResponse | None:
        cors = self._cors
        if cors is None:
            return None
        if request.method == "OPTIONS":
            preflight = cors.preflight(request, granted=bool(granted))
            if not cors.preflight_continue:
                return preflight
            request.response_headers = preflight.headers[1:]  # the actual response has its own Content-Length
        else:
            request.response_headers = cors.headers(request.origin, granted=bool(granted))
        return None

    def _response(self, request: EngineRequest, refusal: Refusal) -> EngineResponse:
        self._refusal_log.refused(request, refusal)
        return refusal.response()

    async def _ask(self, request: EngineRequest) -> EngineResponse | None:
        allow_request = self._engine.options.allow_request
        if allow_request is None:
            return None
        try:
            answer: object = allow_request(request)
            if inspect.isawaitable(answer):
                answer = await answer
        except BaseException as error:
            if passes(error):
                raise
            forbidden = forbidden_in(error)
            if forbidden is not None:
                raise RefusedError(Refusal.FORBIDDEN, forbidden.message) from None
            self._logger.exception("refused a handshake: allow_request raised an exception")
            self._engine.rules.refuse(request, Refusal.FORBIDDEN)
            return INTERNAL_ERROR
        if answer is False:  # a hook that returns False most likely means to refuse, although it should raise
            raise RefusedError(Refusal.FORBIDDEN)
        return None

    async def _new_id(self, request: EngineRequest) -> str | None:
        if not self._engine.rules.supports_revision(request):
            return None
        try:
            made: object = self._engine.rules.generate_id(request)
            if inspect.isawaitable(made):
                made = await made
            return made if isinstance(made, str) else ""
        except BaseException as error:
            if passes(error):
                raise
            self._logger.exception("refused a handshake: generate_id raised an exception")
            raise RefusedError(Refusal.ID_GENERATION) from None
