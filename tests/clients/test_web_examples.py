"""The examples with web frameworks do what they say, as programs, with the real frameworks and a real client."""

from __future__ import annotations

from urllib.request import Request, urlopen

import pytest
import trio
from support.web_examples import program

from clients.harness import JsClient

#: The examples serve current clients, which also have auth.
pytestmark = [pytest.mark.clients, pytest.mark.needs("auth")]


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
