"""The page about scaling: its commands and programs run, with real processes, Redis and Node."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from mixed_cluster.nodes import NODE_PACKAGES
from support.redis_nodes import nodes
from support.redis_server import RedisServer, free_port, redis_server
from support.wire import HttpClient, SioClient, WebSocket
from support.worker_programs import Program, needs_linux, program

from tools import ROOT, npm_install, pip_install, require_tool
from trio_socketio import ClusterTimeout
from trio_socketio.adapters import RedisAdapter, RedisShardedAdapter, RedisStreamsAdapter

pytestmark = pytest.mark.programs

PAGE = (ROOT / "docs" / "scaling.md").read_text("utf-8")
PYTHON_PACKAGES = ["redis==8.1.0", "python-socketio==5.18.1"]
SECONDS = 60


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


APP, ADAPTERS, EMITTER, PYTHON_SOCKETIO, WATCHING = blocks("python")
NODE_SERVER, NODE_EMITTER = blocks("javascript")
SERVE, *SUBSCRIBERS = [
    shlex.split(line.removeprefix("$ ")) for line in "".join(blocks("console")).splitlines()
]
ADAPTER = 'adapter=RedisAdapter("redis://127.0.0.1:6379"), '


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with redis_server(folder) as server:
        yield server


@pytest.fixture(scope="module")
def python_packages() -> Path:
    """The folder with redis-py and python-socketio."""
    python = pip_install("scaling-page", PYTHON_PACKAGES)
    (folder,) = python.parent.parent.glob("lib/python*/site-packages")
    return folder


@pytest.fixture(scope="module")
def node_packages() -> Path:
    require_tool("node", debian="nodejs")
    return npm_install("cluster", NODE_PACKAGES) / "node_modules"


def at(redis: RedisServer, code: str) -> str:
    """Return a program of the page with the address of this Redis."""
    assert "6379" in code
    return code.replace("6379", str(redis.port))


def serve_arguments() -> list[str]:
    """Return the options of the command on the page, except for the port."""
    assert SERVE[:5] == ["python", "-m", "trio_socketio", "serve", "app:io"]
    port = SERVE.index("--port")
    return SERVE[5:port] + SERVE[port + 2 :]


async def join(client: SioClient) -> None:
    """Join the room "news". Later events of the same client are handled after that."""
    await client.emit("join", "news")


async def said(client: SioClient) -> str:
    event, text = await client.event()
    assert event == "said"
    return str(text)


async def subscribers(redis: RedisServer, words: list[str]) -> int:
    """Return what a command of the page prints."""
    require_tool("redis-cli", debian="redis-tools")
    command = [word.replace("6379", str(redis.port)) for word in words]
    done = await trio.run_process(command, capture_stdout=True)
    channel, number = done.stdout.decode().split()
    assert channel == words[-1]
    return int(number)


@asynccontextmanager
async def hosts(tmp_path: Path, redis: RedisServer, *arguments: Any) -> AsyncIterator[list[Program]]:
    """Two hosts that serve the application of the page."""
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    async with (
        program(folders[0], *arguments, app=at(redis, APP)) as one,
        program(folders[1], *arguments, app=at(redis, APP)) as two,
    ):
        yield [one, two]


# workers


@needs_linux
@pytest.mark.rows("I16")
async def test_command_serves_with_workers_that_are_one_server(tmp_path: Path) -> None:
    app = APP.replace(ADAPTER, "")
    assert app != APP
    async with program(tmp_path, *serve_arguments(), app=app) as running:
        assert len(running.workers()) == 4
        clients = [await running.connect() for _ in range(8)]
        for client in clients:
            await join(client)
            assert await client.call("say", "elsewhere", "hello") == [0]
        other = await running.connect()
        assert await other.call("say", "news", "hello") == [8]
        for client in clients:
            assert await said(client) == "hello"


# Redis


@needs_linux
@pytest.mark.rows("I5")
async def test_workers_of_two_hosts_are_one_server(tmp_path: Path, redis: RedisServer) -> None:
    async with hosts(tmp_path, redis, "--workers", 2) as (one, two):
        assert await subscribers(redis, SUBSCRIBERS[0]) == 4
        there = [await two.connect() for _ in range(4)]
        for client in there:
            await join(client)
            assert await client.call("say", "elsewhere", "x") == [0]
        here = await one.connect()
        assert await here.call("say", "news", "hello") == [4]
        for client in there:
            assert await said(client) == "hello"
        health = await HttpClient(await one.stream()).request("GET", "/healthz")
        assert health.json["adapter"]["state"] == "up"


def test_adapters_are_made_as_on_the_page() -> None:
    exec(compile(ADAPTERS, "scaling.md", "exec"), {})


KINDS: list[Any] = [RedisAdapter, RedisShardedAdapter, RedisStreamsAdapter]


@pytest.mark.parametrize(("kind", "command"), list(zip(KINDS, SUBSCRIBERS, strict=True)))
async def test_servers_of_each_adapter_are_counted(redis: RedisServer, kind: Any, command: list[str]) -> None:
    async with nodes(kind(redis.url), kind(redis.url), kind(redis.url)):
        assert await subscribers(redis, command) == 3


@pytest.mark.parametrize("kind", KINDS)
async def test_connections_to_redis_are_as_many_as_on_the_page(redis: RedisServer, kind: Any) -> None:
    (number,) = re.findall(rf"(\d) for each server with `{kind.__name__}`", PAGE)
    async with nodes(kind(redis.url), kind(redis.url)):
        clients = redis.command("CLIENT", "LIST").decode().splitlines()
    assert len(clients) == 2 * int(number) + 1  # the one that asks


# Node and emitters


@asynccontextmanager
async def node_server(folder: Path, redis: RedisServer, packages: Path) -> AsyncIterator[int]:
    """Run the server of Node on the page; its port."""
    port = free_port()
    code = at(redis, NODE_SERVER).replace("3001", str(port))
    (folder / "server.js").write_text(code, "utf-8")
    process = await trio.lowlevel.open_process(
        ["node", str(folder / "server.js")],
        stdout=subprocess.PIPE,
        env={**os.environ, "NODE_PATH": str(packages)},
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.receive_some() == b"listening\n"
        yield port
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.stdout.aclose()
            await process.wait()


@pytest.mark.clients
@pytest.mark.rows("I5")
async def test_server_of_node_takes_part(tmp_path: Path, redis: RedisServer, node_packages: Path) -> None:
    with trio.fail_after(SECONDS):
        async with (
            program(tmp_path, app=at(redis, APP)) as ours,
            node_server(tmp_path, redis, node_packages) as port,
            await trio.open_tcp_stream("127.0.0.1", port) as stream,
        ):
            socket = await WebSocket(stream).open("/socket.io/?EIO=4&transport=websocket")
            theirs = await (await SioClient(socket).start()).connect()
            client = await ours.connect()
            await join(theirs)
            await theirs.emit("say", "news", "from Node")
            assert await said(theirs) == "from Node"
            assert await client.call("say", "news", "from Trio") == [1]
            assert await said(theirs) == "from Trio"
            await join(client)
            # The events of clients of two servers have no order, so make sure that the client has joined.
            assert await client.call("say", "elsewhere", "x") == [0]
            await theirs.emit("say", "news", "for both")
            assert [await said(theirs), await said(client)] == ["for both", "for both"]


@asynccontextmanager
async def client_in_room(redis: RedisServer, **options: Any) -> AsyncIterator[SioClient]:
    async with nodes(RedisAdapter(redis.url, **options)) as (node,):
        yield await node.join("news")


async def run(command: list[str], code: str, folder: Path, **variables: str) -> None:
    file = folder / "emitter"
    file.write_text(code, "utf-8")
    await trio.run_process([*command, str(file)], env={**os.environ, **variables})


@pytest.mark.rows("I8")
async def test_emitter_needs_no_server(tmp_path: Path, redis: RedisServer, python_packages: Path) -> None:
    async with client_in_room(redis) as client:
        await run([sys.executable], at(redis, EMITTER), tmp_path, PYTHONPATH=str(python_packages))
        assert await said(client) == "from a script"


@pytest.mark.clients
@pytest.mark.rows("I8")
async def test_emitter_of_node_reaches_clients(
    tmp_path: Path, redis: RedisServer, node_packages: Path
) -> None:
    async with client_in_room(redis) as client:
        await run(["node"], at(redis, NODE_EMITTER), tmp_path, NODE_PATH=str(node_packages))
        assert await said(client) == "from Node"


async def test_code_with_python_socketio_keeps_working(
    tmp_path: Path, redis: RedisServer, python_packages: Path
) -> None:
    (option,) = re.findall(r"`RedisAdapter\(url, python_socketio_channel=\"(\w+)\"\)`", PAGE)
    async with client_in_room(redis, python_socketio_channel=option) as client:
        await run([sys.executable], at(redis, PYTHON_SOCKETIO), tmp_path, PYTHONPATH=str(python_packages))
        assert await said(client) == "from python-socketio"


# watching


async def test_loss_of_redis_is_seen(
    redis: RedisServer, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    changed = trio.open_memory_channel[str](10)

    def prepare(node: Any) -> None:
        exec(compile(WATCHING, "scaling.md", "exec"), {"io": node.io})
        node.io.on_adapter_state(lambda state: changed[0].send_nowait(str(state)))

    async with nodes(RedisAdapter(redis.url), prepare=prepare) as (node,):
        assert await changed[1].receive() == "up"
        redis.kill()
        assert await changed[1].receive() == "degraded"
        redis.start(redis.port)
        assert await changed[1].receive() == "up"
        assert node.io.health().adapter.gaps == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "up dropped 0 unconfirmed 0 gaps 0"
    assert lines[2] == "up dropped 0 unconfirmed 0 gaps 1"
    for start in re.findall(r"`(the link to the cluster is \w+)", PAGE):
        assert any(message.startswith(start) for message in caplog.messages)


async def test_events_of_an_outage_reach_other_servers_by_streams(redis: RedisServer) -> None:
    async with nodes(RedisStreamsAdapter(redis.url), RedisStreamsAdapter(redis.url)) as (here, there):
        client = await there.join("news")
        redis.kill()
        await lost(here)
        for number in range(10):
            await here.io.to("news").emit("said", f"{number}")
        with pytest.raises(ClusterTimeout) as caught:
            await here.io.fetch_sockets()
        assert (caught.value.partial, caught.value.missing_count) == ([], 1)
        redis.start(redis.port)
        assert [await said(client) for _ in range(10)] == [f"{number}" for number in range(10)]


async def lost(node: Any) -> None:
    """Wait until a server has no link."""
    changed = trio.Event()
    node.io.on_adapter_state(lambda state: changed.set())
    if node.adapter.health().state == "up":
        await changed.wait()
