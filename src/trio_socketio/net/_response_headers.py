"""Adds the application's header fields to responses, after checking that they cannot break the framing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from trio_socketio._passing import PASSING
from trio_socketio.engineio import (
    CookieOptions,
    EngineHooks,
    EngineRequest,
    EngineResponse,
    Headers,
    HeadersHook,
    is_field_value,
    is_token,
)

__all__ = ["ResponseHeaders"]

#: Only the server sets these fields: they define where a response ends, whether the connection is kept, and when the
#: response was made (RFC 9112 sections 6 and 9, RFC 9110 section 6.6.1).
_FRAMING = frozenset(
    {"connection", "content-length", "date", "keep-alive", "trailer", "transfer-encoding", "upgrade"}
)


def _is_framing(name: str) -> bool:
    name = name.lower()
    return name in _FRAMING or name.startswith("sec-websocket-")


def _checked(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the fields unchanged, if all of them are valid.

    Raises:
        ValueError: a field cannot be sent, or only the server may set it.
        TypeError: this is not a list of names and values.
    """
    fields = [(name, value) for name, value in headers]
    for name, value in fields:
        if not is_token(name) or not is_field_value(value):
            raise ValueError(f"invalid header field {name!r}: {value!r}")
        if _is_framing(name):
            raise ValueError(f"only the server may set the header field {name}")
    return fields


class ResponseHeaders:
    """Adds the header fields of CORS, the cookie, middlewares and hooks to responses.

    Args:
        hooks: the application's hooks.
        cookie: the cookie that the response which opens a session sets; None: there is none.
        logger: for invalid fields and for hooks that fail.
    """

    def __init__(self, hooks: EngineHooks, cookie: CookieOptions | None, logger: logging.Logger) -> None:
        self._hooks = hooks
        self._cookie = cookie
        self._logger = logger

    def finished(
        self, request: EngineRequest, response: EngineResponse, *, initial: bool = False
    ) -> EngineResponse:
        """Return the response with the application's fields.

        Args:
            request: the request that it answers.
            response: the response of the engine.
            initial: whether it opens the session ``request.new_sid``.
        """
        if not (request.response_headers or self._hooks.headers or (initial and self._adds_to_initial)):
            return response
        framing = [field for field in response.headers if _is_framing(field[0])]
        others = [field for field in response.headers if not _is_framing(field[0])]
        return response._replace(headers=framing + self._complete(request, others, initial=initial))

    def opening(self, request: EngineRequest, agreed: Headers, *, initial: bool) -> list[tuple[str, str]]:
        """Return the fields that an opening handshake adds to its 101 response; arguments as for ``switching``."""
        fields = list(agreed)
        if request.response_headers or self._hooks.headers or (initial and self._adds_to_initial):
            fields += self._complete(request, (), initial=initial)
        return fields

    def switching(self, request: EngineRequest, response: bytes, agreed: Headers, *, initial: bool) -> bytes:
        """Return the 101 response of an opening handshake, with all fields.

        Args:
            request: the request that it answers.
            response: the 101 response, which ends with a blank line.
            agreed: the server's fields for the negotiated extensions and subprotocol.
            initial: whether it opens the session ``request.new_sid``.
        """
        fields = self.opening(request, agreed, initial=initial)
        if not fields:
            return response
        lines = "".join([f"{name}: {value}\r\n" for name, value in fields])
        return response[:-2] + lines.encode("latin-1") + b"\r\n"

    @property
    def _adds_to_initial(self) -> bool:
        return self._cookie is not None or bool(self._hooks.initial_headers)

    def _complete(self, request: EngineRequest, headers: Headers, *, initial: bool) -> list[tuple[str, str]]:
        fields = [*headers, *self._of_request(request)]
        if initial:
            if self._cookie is not None:
                fields.append(self._cookie.header(request.new_sid))
            fields = self._changed(request, fields, self._hooks.initial_headers)
        return self._changed(request, fields, self._hooks.headers)

    def _of_request(self, request: EngineRequest) -> list[tuple[str, str]]:
        try:
            return _checked(request.response_headers)
        except PASSING:
            raise
        except BaseException:
            self._logger.exception(
                "request.response_headers are left out, because one of them cannot be sent"
            )
            return []

    def _changed(
        self, request: EngineRequest, fields: list[tuple[str, str]], hooks: Sequence[HeadersHook]
    ) -> list[tuple[str, str]]:
        for hook in hooks:
            changed = list(fields)
            try:
                hook(changed, request)
                fields = _checked(changed)
            except PASSING:
                raise
            except BaseException:
                self._logger.exception("a hook for response headers failed: its changes are left out")
        return fields
