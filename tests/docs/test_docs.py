"""Every code example of the README and the docs runs, and does what is said beside it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from support.peers import open_peer
from support.wire import Wire
from trio.testing import wait_all_tasks_blocked

from trio_socketio import (
    CookieOptions,
    Cors,
    EngineServerOptions,
    HttpCompression,
    Outbox,
    Server,
    ServerOptions,
)
from trio_socketio.adapters import LocalAdapter
from trio_socketio.engineio import PROBE_TRANSITIONS, TRANSITIONS, generate_sid
from trio_socketio.server._config import ServerConfig

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


async def reloading(net: Wire, block: dict[str, Any]) -> None:
    page = await net.connect(auth={"user": "ali"})
    reloaded = await net.connect(auth={"user": "ali"})
    for client, users in ((page, {"ali": reloaded.sids["/"]}), (reloaded, {})):
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
        assert block["users"] == users


async def rooms(net: Wire, block: dict[str, Any]) -> None:
    client, other = await net.connect(), await net.connect()
    await client.call("enter", "r")
    await other.emit("enter", "r")
    assert await client.event() == ["entered", other.sids["/"]]
    await other.emit("shout", "r", "hello")
    for both in (client, other):
        assert await both.event() == ["heard", "hello"]


async def observed_rooms(net: Wire, block: dict[str, Any]) -> None:
    client = await net.connect()
    (socket,) = net.io.sockets.values()
    socket.join("r")
    assert block["open_rooms"] == {socket.id, "r"}
    await client.send("41")
    await wait_all_tasks_blocked()
    assert block["open_rooms"] == set()


async def adapting(net: Wire, block: dict[str, Any]) -> None:
    client = await net.connect()
    printed: list[str] = []
    block["print"] = printed.append
    await net.io.emit("ev")
    await net.io.to("r").emit("ev")
    assert await client.event() == ["ev"]
    assert printed == ["/: ev to all", "/: ev to ['r']"]


async def threads(net: Wire, block: dict[str, Any]) -> None:
    client = await net.connect()
    await client.emit("compress", ack=0)
    assert [await client.event() for _ in range(2)] == [["progress", 50], ["progress", 100]]
    assert await client.receive() == '30["done"]'


async def calling(net: Wire, block: dict[str, Any]) -> None:
    client = await net.connect()
    await client.emit("quiz", ack=0)
    assert await client.receive() == '20["question","six by nine?"]'
    await client.send("30[42]")
    assert await client.receive() == '30["so it is 42"]'


async def playing(net: Wire, block: dict[str, Any]) -> None:
    client = await net.connect()
    await client.emit("play")
    assert await client.receive() == '20["move"]'
    assert await client.call("options", ack=1) == [["up", "down"]]
    await client.send('30["up"]')
    assert await client.event() == ["moved", "up"]


async def tasks(net: Wire, block: dict[str, Any]) -> None:
    client = await net.connect()
    assert [(await client.event())[1] for _ in range(3)] == [0, 1, 2]
    await client.ws.stream.aclose()


async def limits(net: Wire, block: dict[str, Any]) -> None:
    client = await net.session()
    assert client.open["maxPayload"] == 50_000


async def engine(net: Wire, block: dict[str, Any]) -> None:
    peer = await open_peer(net, "polling")
    assert await peer.receive() == "you came over polling"
    for message in ("text", b"bytes"):
        await peer.send(message)
        assert await peer.receive() == message
    await peer.close()
    await wait_all_tasks_blocked()
    assert block["gone"] == ["transport close"]


async def watching(net: Wire, block: dict[str, Any]) -> None:
    client = await net.connect()
    assert client.open["pingInterval"] == 10_000
    await client.send("1")
    await client.ws.stream.aclose()
    await wait_all_tasks_blocked()
    assert block["log"] == ["open, 1 in all", "close: transport close"]


async def admission(net: Wire, block: dict[str, Any]) -> None:
    http = net.http()
    page = {"Origin": "https://example.com"}
    polling = "/socket.io/?EIO=4&transport=polling"
    response = await http.request("GET", polling, headers=page)
    assert (response.status, response.json) == (403, {"code": 4, "message": "a token is missing"})
    assert response.headers["access-control-allow-credentials"] == "true"
    assert block["refused"] == ["4 a token is missing FORBIDDEN"]
    response = await http.request("GET", f"{polling}&token=open%20sesame", headers=page)
    assert response.headers["set-cookie"].startswith("lb=")
    assert (response.headers["x-served-by"], response.headers["x-first"]) == ("a", "yes")
    assert (await http.request("GET", "/healthz")).json["clients_count"] == 1


async def readme(net: Wire, block: dict[str, Any]) -> None:
    client, other = await net.connect(), await net.connect()
    assert await client.event() == ["said", "somebody joined"]
    assert await other.call("say", "你好") == [{"length": 2}]
    assert await client.event() == ["said", "你好"]
    page = await net.http().request("GET", "/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"


async def readme_beside_fastapi(net: Wire, block: dict[str, Any]) -> None:
    client = await net.connect()
    assert (await net.http().request("POST", "/news/hello")).status == 200
    assert await client.event() == ["news", "hello"]


#: Pages whose examples have a test of their own.
ELSEWHERE = {"adapters.md", "deployment.md", "scaling.md", "web-frameworks.md", "workers.md"}

DRIVES: dict[str, list[Drive]] = {
    "README.md": [readme, readme_beside_fastapi],
    "options.md": [admission],
    "tour.md": [
        handlers,
        typed,
        iterating,
        connecting,
        reloading,
        rooms,
        observed_rooms,
        adapting,
        threads,
        calling,
        playing,
        tasks,
        limits,
        engine,
        watching,
    ],
}
EXAMPLES = [
    pytest.param(document, number, id=f"{document.stem} {number}")
    for document in DOCUMENTS
    if document.name not in ELSEWHERE
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
        patch.setattr(Server, "run", lambda self, *args: asked.append(args))
        exec(compile(blocks(document, "python")[number], f"{document.name} {number}", "exec"), variables)
    assert len(DRIVES[document.name]) == len(blocks(document, "python"))
    async with running(variables.get("io") or variables["eio"]) as net:
        await DRIVES[document.name][number](net, variables)
    assert asked in ([], [("127.0.0.1", 3000)])
    assert len(asked) == (document.name == "README.md")
    if "main" in variables:
        await variables["main"]()


def test_diagrams_are_drawn_from_the_tables() -> None:
    sessions = [
        f"{state.name} --{event.name}--> {following.name}"
        for state, row in TRANSITIONS.items()
        for event, following in row.items()
    ]
    probes = [
        f"{state.name} --{packet.type.value}{packet.data}--> {following.name}"
        for state, row in PROBE_TRANSITIONS.items()
        for packet, following in row.items()
    ]
    drawn = [block.splitlines() for block in blocks(ROOT / "docs" / "architecture.md", "text")]
    assert drawn == [sessions, probes]


#: Links that a package index can follow, too.
REPOSITORY = "https://github.com/trio-socketio/trio-socketio/blob/main/"


def test_links_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for link in re.findall(r"\](?:\(|: )([^)#\s]+)", document.read_text("utf-8")):
            if link.startswith(REPOSITORY):
                assert (ROOT / link.removeprefix(REPOSITORY)).exists(), f"{document.name}: {link}"
            else:
                is_relative = document.name != "README.md" and (document.parent / link).exists()
                assert link.startswith("https://") or is_relative, f"{document.name}: {link}"


@pytest.mark.parametrize(
    "described", [ServerConfig, Cors, CookieOptions, Outbox], ids=lambda kind: kind.__name__
)
def test_every_option_is_described_with_its_default(described: Any) -> None:
    title = "Server" if described is ServerConfig else described.__name__
    text = (ROOT / "docs" / "options.md").read_text("utf-8")
    (section,) = re.findall(rf"^## `{title}`$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    rows = [[cell.strip(" `") if number in (1, 3) else cell.strip() for number, cell in enumerate(line.split("|"))]
            for line in lines]  # fmt: skip
    known = {
        "LocalAdapter": LocalAdapter,
        "generate_sid": generate_sid,
        "Outbox": Outbox,
        "HttpCompression": HttpCompression,
    }
    written = {row[1]: eval(row[3], known) for row in rows}
    options = [item for item in fields(described) if item.init]
    defaults = {
        item.name: item.default if item.default is not MISSING else item.default_factory()  # type: ignore[misc]
        for item in options
    }
    assert len(written) == len(rows)
    assert written == defaults
    for _, name, _, _, unit, meaning, *_ in rows:
        assert meaning
        assert not name.endswith(("_timeout", "_interval")) or unit == "s"
        assert not name.endswith(("_bytes", "_size")) or unit == "bytes"
    if described is ServerConfig:
        assert {row[1]: row[4] for row in rows} == {item.name: item.metadata["unit"] for item in options}


def test_the_options_of_an_engine_by_itself_are_all_but_those_that_are_named() -> None:
    text = (ROOT / "docs" / "options.md").read_text("utf-8")
    (sentence,) = re.findall(r"^`EngineServer` takes all of them but (.*?);", text, re.MULTILINE | re.DOTALL)
    missing = ServerOptions.__annotations__.keys() - EngineServerOptions.__annotations__.keys()
    assert sorted(re.findall(r"`(\w+)`", sentence)) == sorted(missing)
    assert EngineServerOptions.__annotations__.keys() < ServerOptions.__annotations__.keys()
