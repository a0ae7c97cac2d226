"""URLs of Redis and Valkey servers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import parse_qsl, unquote

__all__ = ["Address", "Credentials", "Deployment", "RedisUrl", "parse_url"]

#: A host and a port, or the path of a Unix socket.
Address = tuple[str, int] | str

SCHEMES = {"redis": False, "valkey": False, "rediss": True, "valkeys": True}
FORMS = "redis://, rediss://, valkey://, valkeys://, unix://, redis+sentinel:// or redis+cluster://"


class Deployment(Enum):
    """What the addresses of a URL are: the server, its Sentinels, or nodes of a cluster."""

    STANDALONE = "standalone"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True)
class Credentials:
    """A user of Redis.

    Attributes:
        username: the name of an ACL user; None for the default user.
        password: the password; None if the server wants none.
    """

    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class RedisUrl:
    """The parts of a URL.

    Attributes:
        deployment: what the addresses are.
        addresses: at least one address.
        tls: whether connections use TLS.
        credentials: the user of the servers.
        sentinel_credentials: the user of the Sentinels.
        database: the number of the database.
        service: the name under which Sentinels know the servers; empty without Sentinels.
    """

    deployment: Deployment
    addresses: tuple[Address, ...]
    tls: bool
    credentials: Credentials
    sentinel_credentials: Credentials
    database: int
    service: str


def parse_url(url: str) -> RedisUrl:
    """Parse a URL.

    The forms are ``redis://user:password@host:port/database``, the same with ``valkey`` or, for TLS, ``rediss`` or
    ``valkeys``; ``unix://user:password@/path?db=number``; ``redis+sentinel://host:port,host:port/service`` with the
    options ``db``, ``sentinel_username`` and ``sentinel_password``; and ``redis+cluster://host:port,host:port``. All
    parts except the scheme and the host may be absent. User, password and path are percent-decoded.

    Raises:
        ValueError: the URL has another form. The message does not contain the password.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise ValueError(f"the URL of a Redis server begins with {FORMS}")
    rest, _, query = rest.partition("?")
    user, _, rest = rest.rpartition("@")
    hosts, _, path = rest.partition("/")
    options = _options(query)
    kind, _, form = scheme.lower().partition("+")
    if kind == "unix" and not form:
        deployment, addresses = Deployment.STANDALONE, _unix_address(hosts, path)
    elif kind in SCHEMES and form in {"", "sentinel", "cluster"}:
        deployment = Deployment(form or "standalone")
        addresses = tuple(_address(host, 26379 if form == "sentinel" else 6379) for host in hosts.split(","))
    else:
        raise ValueError(f"the scheme {scheme!r} is unknown: use {FORMS}")
    if deployment is Deployment.STANDALONE and len(addresses) > 1:
        raise ValueError("several addresses need redis+sentinel:// or redis+cluster://")
    service = unquote(path) if form == "sentinel" else ""
    if form == "sentinel" and (not service or "/" in service):
        raise ValueError("redis+sentinel:// needs the name of the service as its path: /mymaster")
    number = options.pop("db", "") if service or kind == "unix" else path
    sentinel = Credentials()
    if service:
        sentinel = Credentials(options.pop("sentinel_username", None), options.pop("sentinel_password", None))
    if options:
        raise ValueError(f"the option {next(iter(options))!r} is unknown in this URL of a Redis server")
    database = _database(number)
    if deployment is Deployment.CLUSTER and database:
        raise ValueError("a Redis cluster has only database 0")
    tls = SCHEMES.get(kind, False)
    return RedisUrl(deployment, addresses, tls, _credentials(user), sentinel, database, service)


def _options(query: str) -> dict[str, str]:
    return dict(parse_qsl(query, keep_blank_values=True))


def _credentials(text: str) -> Credentials:
    username, colon, password = text.partition(":")
    if username and not colon:
        raise ValueError("the URL of a Redis server has a user without a password: write user:password@host")
    return Credentials(unquote(username) or None, unquote(password) if colon and password else None)


def _unix_address(host: str, path: str) -> tuple[Address, ...]:
    if host or not path:
        raise ValueError("unix:// needs an absolute path: unix:///run/redis.sock")
    return ("/" + unquote(path),)


def _address(text: str, default_port: int) -> Address:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        is_good = bool(bracket) and (not rest or rest.startswith(":"))
        port = rest[1:]
    else:
        host, _, port = text.partition(":")
        is_good = True
    if not host or not is_good:
        raise ValueError("the URL of a Redis server has an address without a host")
    if not port:
        return host, default_port
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        raise ValueError(f"the port of {host} is not a number from 1 to 65535")
    return host, int(port)


def _database(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ValueError("the database of a Redis server is a number")
    return int(text)
