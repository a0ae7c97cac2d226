"""The examples with web frameworks do what they say, as programs, with the real frameworks and a real client."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

import pytest
import trio

from clients.harness import JsClient
from tools import ROOT

#: The examples serve current clients, which also have auth.
pytestmark = [pytest.mark.clients, pytest.mark.needs("auth")]

URL = re.compile(r"(Socket\.IO|unning|istening) on (http://127\.0\.0\.1:\d+)")


@contextmanager
def program(name: str, *, is_guest: bool = False) -> Iterator[tuple[str, str]]:
    """``with program(name) as (url, socketio_url):`` an example that runs. Ctrl-C ends it without a traceback."""
    command = [sys.executable, "-u", str(ROOT / "examples" / name / "server.py")]
    environment = {**os.environ, "PORT": "0", "SOCKETIO_PORT": "0"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            urls, said = dict[str, str](), ""
            while len(urls) < 1 + is_guest:
                line = process.stdout.readline()
                said += line
                assert line, said
                if found := URL.search(line):
                    urls["socketio" if found[1] == "Socket.IO" else "web"] = found[2]
            yield urls["web"], urls.get("socketio", urls["web"])
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=30)
            assert "ERROR" not in rest
        finally:
            process.kill()


async def post(url: str) -> str:
    """Post to the framework, and return the Set-Cookie header of its answer."""

    def request() -> str:
        with urlopen(Request(url, method="POST"), timeout=30) as response:
            return str(response.headers.get("Set-Cookie", ""))

    return await trio.to_thread.run_sync(request)


@pytest.mark.rows("K8")
async def test_fastapi(client: JsClient) -> None:
    with program("fastapi") as (url, _):
        await client.start(url)
        assert (await client.refused())[0] == "log in first"
        cookie = (await post(f"{url}/login/Ada")).partition(";")[0]
        await client.hang_up()
        await client.connect(url, extraHeaders={"cookie": cookie})
        assert await client.call("say", "hello") == ["Ada"]
        assert await client.event("said") == ["Ada", "hello"]
        await post(f"{url}/news/one")
        await post(f"{url}/news-from-a-thread/two")
        assert await client.events("news", 2) == [["one"], ["two"]]
        await client.disconnect()


async def check(client: JsClient, url: str, socketio_url: str, acknowledged: int) -> None:
    await client.connect(socketio_url)
    assert await client.call("say", "hello") == [acknowledged]
    assert await client.event("said") == ["hello"]
    await post(f"{url}/news/one")
    assert await client.event("news") == ["one"]
    await client.disconnect()


@pytest.mark.rows("K8")
@pytest.mark.parametrize("name", ["hypercorn", "quart"])
async def test_frameworks_on_trio(client: JsClient, name: str) -> None:
    with program(name) as urls:
        await check(client, *urls, 5)


@pytest.mark.rows("K10")
@pytest.mark.parametrize(("name", "acknowledged"), [("uvicorn", 1), ("django", 5)])
async def test_frameworks_on_asyncio(client: JsClient, name: str, acknowledged: int) -> None:
    with program(name, is_guest=True) as urls:
        await check(client, *urls, acknowledged)
