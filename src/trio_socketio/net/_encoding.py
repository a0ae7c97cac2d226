"""Content codings of responses: which one a client takes, and a response in it (RFC 9110 sections 8.4 and 12.5.3)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from trio_socketio.engineio import EngineRequest, EngineResponse, Headers, HttpCompression

__all__ = ["CODINGS", "choose_coding", "coding_of", "encoded"]

#: What we can do, the preferred first.
CODINGS = ("gzip", "deflate")

#: What zlib writes around a deflate stream, by content coding.
_WINDOW_BITS = {"gzip": 31, "deflate": 15}
_WEIGHT = re.compile(r"[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


def _weights(accept: str) -> dict[str, float]:
    """Codings and their weights. A parameter that is no weight makes it 0: not understood is not accepted."""
    weights: dict[str, float] = {}
    for item in accept.lower().split(","):
        coding, semicolon, parameter = item.partition(";")
        weight = _WEIGHT.fullmatch(parameter.strip(" \t"))
        weights[coding.strip(" \t")] = float(weight[1]) if weight else float(not semicolon)
    return weights


def choose_coding(accept: str, codings: Sequence[str]) -> str:
    """Return the coding that an ``Accept-Encoding`` header likes best, blank for none.

    Args:
        accept: the header, blank if there is none.
        codings: what can be had; of those with equal weights the first is taken.
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
        response: the answer; what opens a session never is encoded.
        request: the poll.
        compression: the option; None: it is off.

    Returns:
        A coding, blank if the client likes none of ours; None if nobody would get another answer.
    """
    if compression is None or not (response.compress and request.sid):
        return None
    if len(response.body) < compression.threshold:
        return None
    return choose_coding(request.headers.get("accept-encoding", ""), CODINGS)


def encoded(response: EngineResponse, coding: str, level: int = 6) -> EngineResponse:
    """Return the response in a coding of ``choose_coding``: "gzip", "deflate", or blank.

    That another client may get another body is said in any case. A body that would not get smaller stays as it is.

    Args:
        response: not encoded yet.
        coding: the answer to the client's header.
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
    """The headers, with Accept-Encoding in a single Vary."""
    varies = [value for name, value in headers if name.lower() == "vary"]
    others = [(name, value) for name, value in headers if name.lower() != "vary"]
    return [*others, ("Vary", ", ".join([*varies, "Accept-Encoding"]))]
