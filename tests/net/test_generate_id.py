"""Session ids that the application makes with ``generate_id``."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import trio
from support.raw import exchange, request, status, upgrade
from support.refusals import CLOSE, HANDSHAKES, errors, listening, refusal

from trio_socketio import EngineRequest, Server


@pytest.mark.rows("B15")
async def test_session_id_may_be_made_asynchronously(autojump_clock: Any, running: Any) -> None:
    async def generate_id(request: EngineRequest) -> str:
        await trio.sleep(1)
        return f"of-{request.query['transport']}"

    async with running(Server(generate_id=generate_id)) as wire:
        assert (await wire.polling()).sid == "of-polling"
        assert (await wire.session()).open["sid"] == "of-websocket"


@pytest.mark.rows("B15", "B4")
@pytest.mark.parametrize("handshake", HANDSHAKES)
@pytest.mark.parametrize("given", ["", 5, None, LookupError("no ids today")])
async def test_failing_id_generator_opens_no_session(
    autojump_clock: Any, running: Any, handshake: bytes, given: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def generate_id() -> Any:
        await trio.lowlevel.checkpoint()
        if isinstance(given, Exception):
            raise copy.copy(given)  # one that was raised holds what it passed
        return given

    io = Server(generate_id=generate_id)
    told = listening(io)
    async with running(io) as wire:
        assert refusal(await exchange(wire.stream(), handshake)) == (400, 3, "Bad request")
        assert told == [(3, "Bad request", "ID_GENERATION_ERROR")]
        assert len(errors(caplog)) == 1


@pytest.mark.rows("B6")
async def test_no_session_id_is_made_for_an_unsupported_revision(autojump_clock: Any, running: Any) -> None:
    async def generate_id() -> str:
        raise AssertionError("nobody was to ask")

    async with running(Server(generate_id=generate_id)) as wire:
        assert refusal(await exchange(wire.stream(), request("/socket.io/?transport=polling", CLOSE)))[1] == 5


@pytest.mark.rows("B15")
async def test_two_handshakes_do_not_get_the_same_id(autojump_clock: Any, running: Any) -> None:
    waiting = 0
    both = trio.Event()

    async def generate_id() -> str:
        nonlocal waiting
        waiting += 1
        if waiting == 2:
            both.set()
        await both.wait()
        return "the only one"

    io = Server(generate_id=generate_id)
    async with running(io) as wire:
        answers: dict[Any, bytes] = {}

        async def shake(data: bytes) -> None:
            stream = wire.stream()
            await stream.send_all(data)
            answers[stream] = b""
            with trio.move_on_after(1):
                while received := await stream.receive_some(65536):
                    answers[stream] += received

        async with trio.open_nursery() as nursery:
            nursery.start_soon(shake, upgrade())
            nursery.start_soon(shake, upgrade())
        assert sorted(map(status, answers.values())) in ([101, 400], [101, 101])
        assert sum(b'0{"sid":"the only one"' in answer for answer in answers.values()) == 1
        assert io.engine.clients_count == 1
