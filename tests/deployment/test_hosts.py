"""Two hosts behind one proxy, each with processes of its own, and Redis between them, as the docs say."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trustme
from clients.combinations import TRANSPORTS, Combination
from clients.harness import Node
from support.redis_server import RedisServer, redis_server
from support.worker_programs import Program, needs_linux, program

from deployment.links import Visitor
from deployment.proxies import HAProxy, Proxy
from tools import ROOT

pytestmark = [pytest.mark.clients, pytest.mark.rows("I17"), needs_linux]

DOCS = ROOT / "docs"
(APP, *_) = re.findall(
    r"^```python\n(.*?)^```$", (DOCS / "scaling.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
)

PAGE = (DOCS / "deployment.md").read_text("utf-8")

#: How the line begins that the log of a host without the session has.
(LOGGED,) = set(re.findall(r"`(refused a request [\w ]+)`", (DOCS / "scaling.md").read_text("utf-8")))

#: What tells the tests which host a client has reached.
WHERE = """

from pathlib import Path

io.on("host", lambda socket: Path.cwd().name)
"""

#: Both servers, in turn.
NOT_STICKY = {
    "nginx": "    server 127.0.0.1:3000;\n    server 127.0.0.1:3001;\n",
    "haproxy": "    balance roundrobin\n    server a 127.0.0.1:3000\n    server b 127.0.0.1:3001\n",
}


def blocks(language: str) -> list[str]:
    """Return the blocks of the page about deployment: servers chosen by address, and by a cookie."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with redis_server(folder) as server:
        yield server


@pytest.fixture
def sticky(proxy: Proxy) -> dict[str, str]:
    """The change of the configuration that makes the proxy know two servers."""
    return {proxy.single: blocks(proxy.name)[0]}


@asynccontextmanager
async def hosts(folder: Path, redis: RedisServer, workers: int) -> AsyncIterator[dict[str, Program]]:
    """Two hosts, by their names, with the application of the page about scaling."""
    app = APP.replace("6379", str(redis.port)) + WHERE
    for name in ("one", "two"):
        (folder / name).mkdir()
    async with (
        program(folder / "one", "--workers", workers, app=app) as one,
        program(folder / "two", "--workers", workers, app=app) as two,
    ):
        yield {"one": one, "two": two}


def urls(running: dict[str, Program]) -> list[str]:
    return [f"http://127.0.0.1:{host.port}" for host in running.values()]


async def call(visitor: Visitor, event: str) -> str:
    """Emit an event, encoded, and return the arguments of its acknowledgement, encoded."""
    assert (await visitor.request("POST", f"421{event}".encode()))[:2] == (200, "ok")
    status, text, _ = await visitor.request("GET")
    assert status == 200
    assert text.startswith("431"), text
    return text.removeprefix("431")


async def test_polling_sticks_to_a_host_and_rooms_span_the_hosts(
    tmp_path: Path, proxy: Proxy, trust: ssl.SSLContext, redis: RedisServer, sticky: dict[str, str]
) -> None:
    """Each request has a connection of its own."""
    async with hosts(tmp_path, redis, 1) as running:
        async with proxy.before(*urls(running), changed=sticky) as public:
            visitors = [Visitor(public, trust, f"127.0.0.{number}") for number in range(2, 22)]
            reached = set()
            for visitor in visitors:
                await visitor.open()
                reached.add(await call(visitor, '["host"]'))
                assert await call(visitor, '["join","news"]') == "[]"
            assert reached == {'["one"]', '["two"]'}
            other = Visitor(public, trust, "127.0.0.30")
            await other.open()
            assert await call(other, '["say","news","hello"]') == "[20]"
            for visitor in visitors:
                assert (await visitor.request("GET"))[:2] == (200, '42["said","hello"]')


@pytest.mark.slow
@pytest.mark.parametrize("proxy", [HAProxy], indirect=True)
async def test_clients_of_one_address_stick_to_hosts_by_a_cookie(
    tmp_path: Path, proxy: Proxy, trust: ssl.SSLContext, redis: RedisServer
) -> None:
    _, by_cookie = blocks(proxy.name)
    async with hosts(tmp_path, redis, 1) as running:
        async with proxy.before(*urls(running), changed={proxy.single: by_cookie}) as public:
            reached = set()
            for _ in range(4):
                status, text, fields = await Visitor(public, trust).request("GET")
                assert status == 200
                sid, (cookie, *flags) = text.partition('"sid":"')[2][:20], fields["set-cookie"].split("; ")
                assert {"HttpOnly", "Secure"} <= set(flags)
                same = Visitor(public, trust, target=f"/socket.io/?EIO=4&transport=polling&sid={sid}")
                for _ in range(3):
                    answer = await same.request("POST", b"40/none,", {"Cookie": cookie})
                    assert answer[:2] == (200, "ok")
                reached.add(cookie)
            assert reached == {"server=a", "server=b"}


@pytest.mark.slow
@pytest.mark.parametrize("combination", [Combination("4", transport) for transport in TRANSPORTS], ids=str)
async def test_real_clients_reach_workers_of_all_hosts(
    tmp_path: Path,
    proxy: Proxy,
    node: Node,
    authority: trustme.CA,
    redis: RedisServer,
    sticky: dict[str, str],
    combination: Combination,
) -> None:
    """The client has reached one of them through the proxy, and the others are direct clients of each worker."""
    client = node.client(combination)
    async with hosts(tmp_path, redis, 2) as running:
        async with proxy.before(*urls(running), changed=sticky) as public:
            await client.connect(public, ca=authority.cert_pem.bytes().decode())
            await client.call("join", "news")
            direct = [await host.connect() for host in running.values() for _ in range(4)]
            for number, each in enumerate(direct):
                assert await each.call("say", "news", f"{number}") == [1]
                assert await client.event("said") == [f"{number}"]
            assert (await client.state())["transport"] == combination.settled


@pytest.mark.slow
@pytest.mark.rows("G07")
async def test_host_without_the_session_refuses_at_once_and_logs_what_to_do(
    tmp_path: Path, proxy: Proxy, trust: ssl.SSLContext, redis: RedisServer
) -> None:
    """The proxy chooses a host for each request, which is wrong for polling."""
    async with hosts(tmp_path, redis, 2) as running:
        async with proxy.before(*urls(running), changed={proxy.single: NOT_STICKY[proxy.name]}) as public:
            visitor = Visitor(public, trust)
            sid = (await visitor.request("GET"))[1].partition('"sid":"')[2][:20]
            same = Visitor(public, trust, target=f"/socket.io/?EIO=4&transport=polling&sid={sid}")
            answers = {(await same.request("POST", b"40/none,"))[:2] for _ in range(4)}
            assert answers == {(200, "ok"), (400, '{"code":1,"message":"Session ID unknown"}')}

            async def explained(host: Program) -> None:
                line = await host.log(LOGGED)
                assert "configure sticky sessions" in line
                nursery.cancel_scope.cancel()

            async with trio.open_nursery() as nursery:
                for host in running.values():
                    nursery.start_soon(explained, host)
            lines = [line for host in running.values() for line in host.lines]
            assert sum("sticky sessions" in line for line in lines) <= 2, "once for each worker"
