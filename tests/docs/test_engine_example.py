"""The example ``examples/engine`` does what it says."""

from __future__ import annotations

import runpy
from typing import Any

import pytest
import trio
from support.peers import Transport, open_peer
from trio.testing import wait_all_tasks_blocked

from tools import ROOT


@pytest.fixture
def example() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "examples" / "engine" / "server.py"))


@pytest.mark.rows("A12")
@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_it_mirrors_what_comes_and_tells_the_time(
    running: Any,
    example: dict[str, Any],
    transport: Transport,
    autojump_clock: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with running(example["eio"]) as net, trio.open_nursery() as nursery:
        peer = await open_peer(net, transport)
        assert await peer.receive() == "1 are here"
        await peer.send("hello", b"\x01\x02")
        assert [await peer.receive(), await peer.receive()] == ["olleh", b"\x02\x01"]
        nursery.start_soon(example["tell_the_time"])
        for _ in range(3):
            told = await peer.receive()
            assert isinstance(told, str)
            assert [len(part) for part in told.split(":")] == [2, 2, 2]
        await peer.close()
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert "one has gone: transport close" in capsys.readouterr().out


@pytest.mark.rows("A12")
async def test_it_runs(
    example: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "0")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(example["main"])
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert capsys.readouterr().out == "serving on ws://127.0.0.1:0/engine.io/\n"
