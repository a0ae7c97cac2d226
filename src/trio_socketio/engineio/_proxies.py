"""Who asks, and over what, where proxies are in front: as far as they are trusted, they are believed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from trio_socketio.engineio._options import ProxyHeader

__all__ = ["Proxies"]

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: One pair of the field ``Forwarded`` and what ends it (RFC 7239 section 4).
_PAIR = re.compile(
    r'[ \t]*([A-Za-z0-9!#$%&\'*+.^_`|~-]+)=("(?:[^"\\]|\\.)*"|[A-Za-z0-9!#$%&\'*+.^_`|~-]+)[ \t]*(;|,|\Z)'
)

_ADDRESS_AND_PORT = re.compile(r"\[([^\]]*)\](?::\w+)?|([0-9.]+):\w+")


class Proxies:
    """The proxies that are trusted, and the one header field that they set.

    The hops are walked from the nearest to the farthest: the first that is no trusted proxy is the client. What lies
    behind it, and the other header field, may be the client's own invention.

    Args:
        trusted: networks, and ``"unix"`` for Unix-domain sockets.
        header: the field.
    """

    def __init__(self, trusted: Sequence[str], header: ProxyHeader) -> None:
        self._networks = [ipaddress.ip_network(network) for network in trusted if network != "unix"]
        self._unix = "unix" in trusted
        self._header = header

    def resolve(self, address: str, secure: bool, headers: Mapping[str, str]) -> tuple[str, bool]:
        """The client's address and whether it speaks TLS, by the connection's own and the request's header fields.

        The address is blank if ``Forwarded`` is malformed: a client that has done that must not look like the proxy.
        """
        if not self._trusts(address):
            return address, secure
        if self._header == "forwarded":
            hops = _forwarded(headers.get("forwarded", ""))
            if not hops:
                return "", secure
            scheme = hops[-1].get("proto", "")
            addresses: Iterable[str] = (hop.get("for", "") for hop in reversed(hops))
        else:
            scheme = headers.get("x-forwarded-proto", "").rpartition(",")[2]
            addresses = reversed(headers.get("x-forwarded-for", "").split(","))
        scheme = scheme.strip().lower()
        if scheme in ("http", "https"):
            secure = scheme == "https"
        return self._client(address, addresses), secure

    def _client(self, address: str, hops: Iterable[str]) -> str:
        for hop in hops:
            known = _address(hop)
            if known is None:  # unknown, hidden or nonsense: what is behind it cannot be known
                break
            address = str(known)
            if not self._trusts(address):
                break
        return address

    def _trusts(self, address: str) -> bool:
        if address == "unix":
            return self._unix
        known = _address(address)
        return known is not None and any(known in network for network in self._networks)


def _address(text: str) -> _Address | None:
    """The IP address of a hop, which may have a port; IPv4 in IPv6 is IPv4."""
    text = text.strip()
    match = _ADDRESS_AND_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address(match[1] or match[2] if match else text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _forwarded(field: str) -> list[dict[str, str]]:
    """The hops, the nearest last; none if anything is malformed: then nobody knows where a hop begins."""
    hops: list[dict[str, str]] = [{}]
    for pair in _pairs(field):
        if pair is None or pair[0] in hops[-1]:
            return []
        name, value, end = pair
        hops[-1][name] = value
        if end == ",":
            hops.append({})
    return hops


def _pairs(field: str) -> Iterator[tuple[str, str, str] | None]:
    position = 0
    while position < len(field):
        match = _PAIR.match(field, position)
        if match is None:
            yield None
            return
        value = match[2]
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        yield match[1].lower(), value, match[3]
        position = match.end()
