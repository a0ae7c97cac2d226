"""Connecting to Redis: users, databases, Unix sockets, TLS, and servers that do not answer."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import pytest
import trio
import trustme
from support.redis_server import RedisServer, free_port, redis_server

from trio_socketio.adapters.redis import PubSubBus, ShardedBus
from trio_socketio.adapters.redis._dial import Dialer
from trio_socketio.adapters.redis._url import Credentials

pytestmark = pytest.mark.rows("I10")


async def connects(bus: PubSubBus) -> None:
    await bus.connect()
    await bus.publish([("dial", b"x")])
    await bus.aclose()


async def test_password_and_user_are_sent(own_redis: RedisServer) -> None:
    address = f"127.0.0.1:{own_redis.port}"
    own_redis.command("ACL", "SETUSER", "somebody", "on", ">s3c/ret", "+@all", "&*")
    own_redis.command("CONFIG", "SET", "requirepass", "pass word")
    await connects(PubSubBus(f"redis://:pass%20word@{address}"))
    await connects(PubSubBus(f"valkey://somebody:s3c%2Fret@{address}"))
    for url in (f"redis://:wrong@{address}", f"redis://somebody:wrong@{address}"):
        with pytest.raises(OSError, match="refuses AUTH: WRONGPASS"):
            await PubSubBus(url).connect()
    with pytest.raises(OSError, match="refuses PING: NOAUTH"):
        await PubSubBus(f"redis://{address}").connect()


async def test_database_is_selected(redis: RedisServer) -> None:
    commands = await Dialer(Credentials(), 3, None, 5).commands(redis.address)
    assert b" db=3 " in await commands.execute(b"CLIENT", b"INFO")
    await commands.connection.aclose()
    with pytest.raises(OSError, match="refuses SELECT"):
        await PubSubBus(f"{redis.url}/99999").connect()


async def test_unix_sockets_work(tmp_path: Path) -> None:
    path = tmp_path / "redis socket"
    with redis_server(tmp_path, "--unixsocket", str(path)):
        await connects(PubSubBus("unix://" + str(path).replace(" ", "%20")))


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def tls_options(folder: Path, authority: trustme.CA, host: str) -> tuple[str, ...]:
    """Make a certificate for a host, and return the options of a server that uses it."""
    certificate = authority.issue_cert(host)
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    files = ("--tls-cert-file", str(folder / "certificate.pem"), "--tls-key-file", str(folder / "key.pem"))
    return "--tls-port", str(free_port()), *files, "--tls-auth-clients", "no"


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_tls_checks_the_certificate_and_the_host_name(tmp_path: Path, authority: trustme.CA) -> None:
    options = tls_options(tmp_path, authority, "localhost")
    with redis_server(tmp_path, *options):
        await connects(PubSubBus(f"rediss://localhost:{options[1]}", ssl_context=trusting(authority)))
        with pytest.raises(OSError, match="refuses CLUSTER SLOTS"):
            await ShardedBus(
                f"rediss+cluster://localhost:{options[1]}", ssl_context=trusting(authority)
            ).connect()
        with pytest.raises(OSError, match=r"unable to get local issuer|self.signed"):
            await PubSubBus(f"rediss://localhost:{options[1]}").connect()


async def test_tls_with_a_certificate_for_another_host_is_refused(
    tmp_path: Path, authority: trustme.CA
) -> None:
    options = tls_options(tmp_path, authority, "redis.example")
    with redis_server(tmp_path, *options):
        for url in (f"valkeys://localhost:{options[1]}", f"rediss+sentinel://localhost:{options[1]}/main"):
            with pytest.raises(OSError, match="Hostname mismatch"):
                await PubSubBus(url, ssl_context=trusting(authority)).connect()


async def test_server_that_speaks_another_protocol_is_refused() -> None:
    async def serve(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, serve, 0)
        port = listeners[0].socket.getsockname()[1]
        with pytest.raises(OSError, match="malformed replies"):
            await PubSubBus(f"redis://localhost:{port}").connect()
        nursery.cancel_scope.cancel()


async def test_frozen_server_is_given_up_after_the_timeout(own_redis: RedisServer) -> None:
    own_redis.freeze()
    began = time.monotonic()
    with pytest.raises(OSError, match=r"within 0\.3 s"):
        await PubSubBus(own_redis.url, timeout=0.3).connect()
    assert time.monotonic() - began < 3


async def test_host_name_that_is_too_long_is_an_error() -> None:
    with pytest.raises(OSError, match="invalid host name"):
        await PubSubBus(f"redis://{'a' * 64}").connect()


async def test_server_that_is_down_is_an_error() -> None:
    with pytest.raises(OSError, match=r"all attempts to connect|refused"):
        await PubSubBus(f"redis://127.0.0.1:{free_port()}").connect()
