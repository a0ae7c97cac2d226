"""What the buses over Redis share: their options, and publishing on a connection."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from trio_socketio._core import pack_messages
from trio_socketio.adapters.cluster import Bus, BusMoved, BusRefused
from trio_socketio.adapters.redis._commands import Commands
from trio_socketio.adapters.redis._dial import Dialer
from trio_socketio.adapters.redis._resp import CommandError, Reply, require_hiredis
from trio_socketio.adapters.redis._topology import Servers
from trio_socketio.adapters.redis._url import parse_url

__all__ = ["RedisBus", "channel_bytes", "count_on", "publish_on", "raise_all", "raise_refusals"]


class RedisBus(Bus):
    """A bus over Redis or Valkey.

    Args:
        url: the servers; ``parse_url`` has the forms.
        timeout: how long a connection, a reply or a confirmation may take, in seconds. A server that is frozen is found
            at the latest after ``ping_interval`` and this.
        ping_interval: how often the server is asked whether it is there and still is a master, in seconds.
        ssl_context: the TLS context for URLs with TLS; None: the certificates of the system, with host names checked.
        max_publish_bytes: the largest message, in bytes. Redis drops a subscriber for which more waits than
            ``client-output-buffer-limit pubsub`` allows, by default 32 MB.

    Attributes:
        own_prefixes: ``receive`` drops the messages that begin with one of these, before anything looks into them.
            Adapters set it to how their own messages begin, because Redis sends these back.

    Raises:
        ValueError: the URL has no known form.
        ImportError: hiredis is not installed, or for Sentinels and clusters coredis.
    """

    counts_subscribers = True

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 5.0,
        ping_interval: float = 5.0,
        ssl_context: ssl.SSLContext | None = None,
        max_publish_bytes: int = 4_194_304,
    ) -> None:
        require_hiredis()
        self.url = parse_url(url)
        self.max_publish_bytes = max_publish_bytes
        self.publish_timeout = timeout
        self.check_interval = ping_interval
        self.own_prefixes: tuple[bytes, ...] = ()
        if not self.url.tls:
            ssl_context = None
        elif ssl_context is None:
            ssl_context = ssl.create_default_context()
        self.dialer = Dialer(self.url.credentials, self.url.database, ssl_context, timeout)
        sentinels = Dialer(self.url.sentinel_credentials, 0, ssl_context, timeout)
        self.servers = Servers(self.url, self.dialer, sentinels)


def channel_bytes(channel: str) -> bytes:
    """Return the name of a channel as Redis takes it. Lone surrogates stay, since names of rooms may have them."""
    return channel.encode("utf-8", "surrogatepass")


async def publish_on(commands: Commands, command: bytes, batch: Sequence[tuple[str, bytes]]) -> None:
    """Publish messages in one go, and wait for all replies. The caller sets the limit of time.

    Args:
        commands: the connection.
        command: PUBLISH or SPUBLISH.
        batch: pairs of channel and message.

    Raises:
        BusRefused: the server has refused some or all of them, and the connection still works.
        BusMoved: the server has refused some or all of them, and another one may take them.
        BusError: the connection has ended.
    """
    raise_refusals(commands, await commands.exchange(pack_messages(command, batch), len(batch)))


def raise_refusals(commands: Commands, replies: Sequence[Reply]) -> None:
    """Raise an error if error replies are among the replies of messages; see ``publish_on``."""
    if CommandError not in map(type, replies):
        return
    refusals = [reply for reply in replies if isinstance(reply, CommandError)]
    name = commands.connection.name
    text = f"{name} refuses {len(refusals)} of {len(replies)} messages: {refusals[0]}"
    if any(refusal.code in RENEWING for refusal in refusals):
        raise BusMoved(text, len(refusals))
    raise BusRefused(text, len(refusals))


def raise_all(refusals: Sequence[BusRefused]) -> None:
    """Raise one error for the refusals of several servers; none if there are none."""
    if refusals:
        raise BusRefused(str(refusals[-1]), sum(error.count or 0 for error in refusals))


#: With these errors a new connection may lead to another server.
RENEWING = frozenset({"CLUSTERDOWN", "LOADING", "MASTERDOWN", "MOVED", "READONLY"})


async def count_on(commands: Commands, command: bytes, channel: str) -> int:
    """Return how many subscribers of a channel a server has.

    Args:
        commands: the connection.
        command: NUMSUB or SHARDNUMSUB.
        channel: the channel.

    Raises:
        BusError: the connection has ended, or the server refuses.
    """
    try:
        reply = await commands.execute(b"PUBSUB", command, channel_bytes(channel))
    except CommandError as error:
        raise BusRefused(f"{commands.connection.name} refuses PUBSUB: {error}") from None
    match reply:
        case [_, int() as number] if number >= 0:
            return number
    raise commands.connection.fail("sends no number of subscribers")
