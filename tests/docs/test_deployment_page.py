"""The program on the page about deployment serves behind a proxy, and ends gracefully."""

from __future__ import annotations

import json
import os
import re
import signal
from typing import Any

import pytest
import trio
from deployment.links import INVENTED, reserved_url
from support.wire import HttpClient, WebSocket
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from tools import ROOT
from trio_socketio import Server
from trio_socketio.server._config import ServerConfig
from trio_socketio.serving._program import Program

PAGE = (ROOT / "docs" / "deployment.md").read_text("utf-8")
CONFIGURATIONS = {
    name: (ROOT / "docs" / "deployment" / name).read_text("utf-8") for name in ("nginx.conf", "haproxy.cfg")
}


async def test_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    asked: list[tuple[object, ...]] = []
    variables: dict[str, Any] = {"__name__": "example"}
    with reserved_url() as url, monkeypatch.context() as patch:
        patch.setattr(Server, "run", lambda self, *args: asked.append(args))
        exec(compile(program, "deployment", "exec"), variables)
        assert asked == [("127.0.0.1", 3000)]
        port = int(url.rpartition(":")[2])
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(Program(variables["io"]).main, "127.0.0.1", port, None, None)
                await wait_all_tasks_blocked()
                await visit(variables["io"], port)


async def visit(io: Any, port: int) -> None:
    monitor = HttpClient(await trio.open_tcp_stream("127.0.0.1", port))
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    client = await WebSocket(stream).open("/socket.io/?EIO=4&transport=websocket", INVENTED)
    assert str(await client.receive()).startswith("0{")
    await client.send("40")
    assert str(await client.receive()).startswith("40{")
    (socket,) = io.sockets.values()
    assert socket.handshake.address == INVENTED["X-Forwarded-For"], (
        "every program on this machine may be the proxy"
    )
    health = (await monitor.request("GET", "/healthz")).json
    assert health == {**health, "status": "ok", "clients_count": 1}
    (example,) = re.findall(r'`(\{"status".*?\})`', PAGE)
    assert health.keys() == json.loads(example).keys()
    os.kill(os.getpid(), signal.SIGTERM)
    farewell = await client.receive()
    assert isinstance(farewell, CloseConnection)
    assert farewell.code == 1001
    for end in (monitor.stream, client.stream):
        await end.aclose()


@pytest.mark.parametrize(
    ("name", "directive"),
    [("nginx.conf", "proxy_read_timeout"), ("haproxy.cfg", "timeout client"), ("haproxy.cfg", "timeout server"),
     ("haproxy.cfg", "timeout tunnel")],
)  # fmt: skip
def test_proxies_bear_the_silence_between_heartbeats(name: str, directive: str) -> None:
    assert ServerConfig().ping_interval + ServerConfig().ping_timeout < value(name, directive, "s")
    assert f"{ServerConfig().ping_interval + ServerConfig().ping_timeout:.0f} s" in PAGE


def test_nginx_gives_up_connections_before_the_server_does() -> None:
    assert value("nginx.conf", "keepalive_timeout", "s") < ServerConfig().keep_alive_timeout
    assert f"`keep_alive_timeout`, {ServerConfig().keep_alive_timeout:.0f} s" in PAGE


def test_nginx_takes_what_the_server_takes() -> None:
    assert ServerConfig().max_http_buffer_size <= value("nginx.conf", "client_max_body_size", "m") * 2**20


def value(name: str, directive: str, unit: str) -> int:
    """The number that a configuration gives in a directive."""
    (number,) = re.findall(rf"^ *{directive} +(\d+){unit}\b", CONFIGURATIONS[name], re.MULTILINE)
    return int(number)
