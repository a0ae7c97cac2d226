"""The client's address and scheme behind proxies, from the header fields that trusted proxies set."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from trio_socketio.engineio._options import ProxyHeader

__all__ = ["Proxies"]

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: One pair of the header field ``Forwarded`` and the character that ends it (RFC 7239 section 4).
_PAIR = re.compile(
    r'[ \t]*([A-Za-z0-9!#$%&\'*+.^_`|~-]+)=("(?:[^"\\]|\\.)*"|[A-Za-z0-9!#$%&\'*+.^_`|~-]+)[ \t]*(;|,|\Z)'
)

_ADDRESS_AND_PORT = re.compile(r"\[([^\]]*)\](?::\w+)?|([0-9.]+):\w+")


class Proxies:
    """The trusted proxies and the header field that they set.

    The hops are checked from the nearest to the farthest. The first hop that is not a trusted proxy is the client. The
    client may have forged all hops beyond it and the other header field, so these are ignored.

    Args:
        trusted: the networks of the proxies, and ``"unix"`` for Unix-domain sockets.
        header: the header field that the proxies set.
    """

    def __init__(self, trusted: Sequence[str], header: ProxyHeader) -> None:
        self._networks = [ipaddress.ip_network(network) for network in trusted if network != "unix"]
        self._unix = "unix" in trusted
        self._header = header

    def resolve(self, address: str, secure: bool, headers: Mapping[str, str]) -> tuple[str, bool]:
        """Find the client's address and whether it uses TLS.

        The returned address is blank if ``Forwarded`` is malformed: the client may have caused that, and must not get
        the address of the proxy.

        Args:
            address: the peer of the connection.
            secure: whether the connection uses TLS.
            headers: the header fields of the request.
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
            if known is None:  # "unknown", obfuscated or malformed: hops beyond it cannot be trusted
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
    """Parse the IP address of a hop, which may have a port. An IPv4-mapped IPv6 address becomes IPv4."""
    text = text.strip()
    match = _ADDRESS_AND_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address(match[1] or match[2] if match else text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _forwarded(field: str) -> list[dict[str, str]]:
    """Parse ``Forwarded`` into hops, the nearest one last.

    The list is empty if any part is malformed, because it is then unclear where a hop begins.
    """
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
