"""Chooses the content coding of a response, and encodes the response (RFC 9110 sections 8.4 and 12.5.3)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from trio_socketio.engineio import EngineRequest, EngineResponse, Headers, HttpCompression

__all__ = ["CODINGS", "choose_coding", "coding_of", "encoded"]

#: The supported codings, the preferred one first.
CODINGS = ("gzip", "deflate")

#: The ``wbits`` of zlib, which choose the format around a deflate stream, by content coding.
_WINDOW_BITS = {"gzip": 31, "deflate": 15}
_WEIGHT = re.compile(r"[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


def _weights(accept: str) -> dict[str, float]:
    """Return codings and their weights. A parameter that is not a valid weight makes it 0, so it is not accepted."""
    weights: dict[str, float] = {}
    for item in accept.lower().split(","):
        coding, semicolon, parameter = item.partition(";")
        weight = _WEIGHT.fullmatch(parameter.strip(" \t"))
        weights[coding.strip(" \t")] = float(weight[1]) if weight else float(not semicolon)
    return weights


def choose_coding(accept: str, codings: Sequence[str]) -> str:
    """Return the coding that an ``Accept-Encoding`` header prefers, blank for none.

    Args:
        accept: the header, blank if there is none.
        codings: the codings to choose from; of codings with equal weights the first is taken.
    """
    weights = _weights(accept)
    other = weights.get("*", 0.0)
    coding = max(codings, key=lambda name: weights.get(name, other), default="")
    weight = weights.get(coding, other)
    return coding if weight > 0 and weight >= weights.get("identity", 0.0) else ""


def coding_of(
    response: EngineResponse, request: EngineRequest, compression: HttpCompression | None
) -> str | None:
    """Return how the answer to a poll is encoded.

    Args:
        response: the answer. The response that opens a session is never encoded.
        request: the poll.
        compression: the option; None: it is off.

    Returns:
        A coding; blank if the client accepts none of ``CODINGS``, and the response only needs ``Vary``; None if the
        response does not depend on ``Accept-Encoding``.
    """
    if compression is None or not (response.compress and request.sid):
        return None
    if len(response.body) < compression.threshold:
        return None
    return choose_coding(request.headers.get("accept-encoding", ""), CODINGS)


def encoded(response: EngineResponse, coding: str, level: int = 6) -> EngineResponse:
    """Return the response in a coding of ``choose_coding``: "gzip", "deflate", or blank.

    ``Vary`` is added in any case, because another client may get another body. A body that would not get smaller is
    not encoded.

    Args:
        response: the response, not encoded yet.
        coding: the result of ``choose_coding``.
        level: 1 (fast) to 9 (small).
    """
    headers = _varying(response.headers)
    body = zlib.compress(response.body, level, _WINDOW_BITS[coding]) if coding else response.body
    if len(body) >= len(response.body):
        return response._replace(headers=headers)
    headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
    headers += [("Content-Encoding", coding), ("Content-Length", str(len(body)))]
    return response._replace(headers=headers, body=body)


def _varying(headers: Headers) -> list[tuple[str, str]]:
    """Return the headers with a single ``Vary``, which includes ``Accept-Encoding``."""
    varies = [value for name, value in headers if name.lower() == "vary"]
    others = [(name, value) for name, value in headers if name.lower() != "vary"]
    return [*others, ("Vary", ", ".join([*varies, "Accept-Encoding"]))]
