"""Every code example of the README and the docs runs, and does what is said beside it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from support.wire import Wire

from trio_socketio.engineio import PROBE_TRANSITIONS, TRANSITIONS

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", document.read_text("utf-8"), re.MULTILINE | re.DOTALL)


Drive = Callable[[Wire, dict[str, Any]], Awaitable[None]]


async def handlers(net: Wire, block: dict[str, Any]) -> None:
    client = await net.connect()
    assert await client.call("add", 1, 2) == [3]
    assert await client.call("whoami") == [client.sids["/"], "websocket"]


async def typed(net: Wire, block: dict[str, Any]) -> None:
    client, other = await net.connect(), await net.connect()
    block["io"].sockets[other.sids["/"]].join("r")
    assert await client.call("post", {"room": "r", "text": "t", "urgent": True}) == [True]
    assert await other.event() == ["posted", {"room": "r", "text": "t", "urgent": True}, None]
    ((error,),) = [await client.call("post", {"room": 5})]
    assert "Expected `str`, got `int`" in error["error"]
    assert len(block["errors"]) == 1


async def iterating(net: Wire, block: dict[str, Any]) -> None:
    client = await net.connect()
    assert await client.call("mine", 21) == [42]
    assert await client.call("other", 1) == ["noted"]
    assert block["seen"] == [("other", [1])]


async def connecting(net: Wire, block: dict[str, Any]) -> None:
    client = await net.session()
    await client.send("0/admin,")
    assert await client.receive() == '4/admin,{"message":"not authorized","data":{"code":7}}'
    await client.connect("/admin", {"token": "open sesame"})
    await client.send('2/admin,0["who"]')
    assert await client.receive() == '3/admin,0["ali"]'


async def rooms(net: Wire, block: dict[str, Any]) -> None:
    client, other = await net.connect(), await net.connect()
    await client.call("enter", "r")
    await other.emit("enter", "r")
    assert await client.event() == ["entered", other.sids["/"]]
    await other.emit("shout", "r", "hello")
    for both in (client, other):
        assert await both.event() == ["heard", "hello"]


async def calling(net: Wire, block: dict[str, Any]) -> None:
    client = await net.connect()
    await client.emit("quiz", ack=0)
    assert await client.receive() == '20["question","six by nine?"]'
    await client.send("30[42]")
    assert await client.receive() == '30["so it is 42"]'


async def tasks(net: Wire, block: dict[str, Any]) -> None:
    client = await net.connect()
    assert [(await client.event())[1] for _ in range(3)] == [0, 1, 2]
    await client.ws.stream.aclose()


async def limits(net: Wire, block: dict[str, Any]) -> None:
    client = await net.session()
    assert client.open["maxPayload"] == 50_000


async def readme(net: Wire, block: dict[str, Any]) -> None:
    client, other = await net.connect(), await net.connect()
    assert await client.event() == ["said", "somebody came in"]
    assert await other.call("say", "你好") == [{"length": 2}]
    assert await client.event() == ["said", "你好"]
    page = await net.http().request("GET", "/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"


DRIVES: dict[str, list[Drive]] = {
    "README.md": [readme],
    "tour.md": [handlers, typed, iterating, connecting, rooms, calling, tasks, limits],
}
EXAMPLES = [
    pytest.param(document, number, id=f"{document.stem} {number}")
    for document in DOCUMENTS
    for number, _ in enumerate(blocks(document, "python"))
]


@pytest.mark.parametrize(("document", "number"), EXAMPLES)
async def test_example(
    document: Path, number: int, running: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if pages := blocks(document, "html"):
        (tmp_path / "page.html").write_text(pages[0], "utf-8")
        monkeypatch.chdir(tmp_path)
    asked: list[Any] = []
    variables: dict[str, Any] = {"__name__": "example"}
    with monkeypatch.context() as patch:
        patch.setattr(trio, "run", lambda *args: asked.append(args))
        exec(compile(blocks(document, "python")[number], f"{document.name} {number}", "exec"), variables)
    assert len(DRIVES[document.name]) == len(blocks(document, "python"))
    async with running(variables["io"]) as net:
        await DRIVES[document.name][number](net, variables)
    if asked:
        assert asked == [(variables["io"].serve, "127.0.0.1", 3000)]
    if "main" in variables:
        await variables["main"]()


def test_diagrams_are_drawn_from_the_tables() -> None:
    sessions = [
        f"{state.name} --{event.name}--> {following.name}"
        for state, row in TRANSITIONS.items()
        for event, following in row.items()
    ]
    probes = [
        f"{state.name} --{packet}--> {following.name}"
        for state, row in PROBE_TRANSITIONS.items()
        for packet, following in row.items()
    ]
    drawn = [block.splitlines() for block in blocks(ROOT / "docs" / "architecture.md", "text")]
    assert drawn == [sessions, probes]


def test_links_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for link in re.findall(r"\]\(([^)#]+)\)", document.read_text("utf-8")):
            assert link.startswith("https://") or (document.parent / link).exists(), (
                f"{document.name}: {link}"
            )
