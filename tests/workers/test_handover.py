"""A request reaches the worker that has its session, on the connection on which the client has sent it."""

from __future__ import annotations

import os
import sys
from math import inf
from typing import Any

import pytest
import trio
from support.descriptors import no_leak
from support.raw import POLLING, WEBSOCKET, read_all, read_until, request, status, upgrade
from support.wire import HttpClient, Polling, SioClient, client_frame
from support.workers import KEY, Worker, workers
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server
from trio_socketio.workers._mesh import Mesh
from trio_socketio.workers._outgoing import MOST_HANDOVERS, Kind
from trio_socketio.workers._packet import close_all
from trio_socketio.workers._pair import Pair
from trio_socketio.workers._session_ids import SessionIds

pytestmark = [
    pytest.mark.rows("I16", "I18"),
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: memfd and /proc"),
]


def echo(io: Server) -> None:
    @io.on("echo")
    def echo(socket: Any, value: Any) -> Any:
        return value


async def session_of(worker: Worker, eio: int = 4) -> str:
    """Open a session on polling, and return its id."""
    response = await worker.wire.http().request("GET", f"/socket.io/?EIO={eio}&transport=polling")
    assert response.status == 200
    return response.text.partition('"sid":"')[2][:20]


async def pinged(worker: Worker, http: HttpClient, sid: str) -> bool:
    """Return whether a POST for a session is answered."""
    response = await http.request("POST", f"{POLLING}&sid={sid}", b"3")
    return (response.status, response.text) == (200, "ok")


@pytest.mark.parametrize("driver", ["auto", "stream"])
async def test_polling_client_reaches_its_session_through_any_worker(driver: str) -> None:
    with no_leak():
        async with workers(prepare=echo, driver=driver) as (first, second):
            polling = await Polling(first.wire).start()
            polling.gets, polling.posts = second.wire.http(), second.wire.http()
            await polling.connect()
            assert (await polling.post('420["echo","é"]')).text == "ok"
            assert (await polling.get()).text == '430["é"]'
            assert second.sessions.sent == first.sessions.received == 2  # once for each connection
            assert len(first.io.sockets) == 1
            assert not second.io.sockets


@pytest.mark.parametrize("driver", ["auto", "stream"])
async def test_upgrade_with_probe_through_another_worker(driver: str) -> None:
    async with workers(prepare=echo, driver=driver) as (first, second):
        polling = await (await Polling(first.wire).start()).connect()
        polling.wire = second.wire
        ws = await polling.upgrade()
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
        await ws.send("5")
        client = SioClient(ws)
        assert await client.call("echo", 1) == [1]
        (conn,) = [socket.conn for socket in first.io.sockets.values()]
        assert (conn.transport.name, conn.driver) == ("websocket", {"auto": "reactor"}.get(driver, driver))


async def test_websocket_bytes_that_came_with_the_upgrade_go_along() -> None:
    async with workers() as (first, second):
        sid = await session_of(first)
        stream = second.wire.stream()
        await stream.send_all(upgrade(f"{WEBSOCKET}&sid={sid}") + client_frame(1, b"2probe"))
        await read_until(stream, b"\x81\x063probe")


async def test_binary_body_larger_than_what_was_read_arrives_whole() -> None:
    received: list[bytes] = []

    def prepare(io: Server) -> None:
        io.on("binary", lambda socket, data: received.append(data))

    async with workers(prepare=prepare) as (first, second):
        polling = await (await Polling(first.wire).start()).connect()
        polling.posts = second.wire.http()
        assert (
            await polling.post('451-["binary",{"_placeholder":true,"num":0}]\x1eb' + "AAEC" * 100_000)
        ).text == "ok"
        await wait_all_tasks_blocked()
        assert received == [b"\0\1\2" * 100_000]


async def test_body_that_waits_for_100_continue() -> None:
    async with workers() as (first, second):
        target = f"{POLLING}&sid={await session_of(first)}"
        stream = second.wire.stream()
        await stream.send_all(request(target, "Expect: 100-continue", "Content-Length: 1", method="POST"))
        await read_until(stream, b"HTTP/1.1 100 \r\n\r\n")
        await stream.send_all(b"3")
        assert (await read_until(stream, b"ok")).startswith(b"HTTP/1.1 200")


async def test_connection_whose_requests_alternate_between_sessions() -> None:
    with no_leak():
        async with workers(3) as made:
            sids = [await session_of(worker) for worker in made]
            http = made[0].wire.http()
            for number in [1, 2, 0, 0, 2, 1, 1, 0]:
                assert await pinged(made[number], http, sids[number])
            assert [worker.sessions.sent for worker in made] == [2, 2, 2]


async def test_pipelined_requests_go_along_and_are_answered_in_order() -> None:
    async with workers() as (first, second):
        sids = [await session_of(first), await session_of(second)]
        posts = [
            request(f"{POLLING}&sid={sid}", "Content-Length: 1", method="POST", body=b"3") for sid in sids
        ]
        for worker in (first, second):
            stream = worker.wire.stream()
            await stream.send_all(b"".join(posts * 5) + request("/nowhere"))
            received = await read_until(stream, b"HTTP/1.1 404")
            assert received.count(b"HTTP/1.1 200 ") == 10


async def test_eight_hundred_requests_reach_their_sessions() -> None:
    async with workers(4) as made:
        answered: list[bool] = []

        async def client(number: int) -> None:
            sids = [await session_of(worker) for worker in made]
            http = made[number % 4].wire.http()
            for step in range(40):
                owner = number * step % 4
                answered.append(await pinged(made[owner], http, sids[owner]))

        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(client, number)
        assert answered == [True] * 800
        assert sum(worker.sessions.sent for worker in made) > 400


async def test_revision_3_through_another_worker() -> None:
    async with workers(allow_eio3=True) as (first, second):
        sid = await session_of(first, eio=3)
        http = second.wire.http()
        target = f"/socket.io/?EIO=3&transport=polling&sid={sid}"
        assert (await http.request("POST", target, b"1:2")).text == "ok"
        assert "1:3" in (await http.request("GET", target)).text


# what is not handed over


@pytest.mark.parametrize("instance", [10, 200])
async def test_session_that_no_worker_has_is_unknown(instance: int) -> None:
    async with workers() as (first, second):
        sid = SessionIds(instance, KEY).make()
        for worker in (first, second):
            response = await worker.wire.http().request("GET", f"{POLLING}&sid={sid}")
            assert (response.status, response.json["code"]) == (400, 1)
        assert second.sessions.sent == (instance == 10)  # and the first worker does not hand it on
        assert first.sessions.sent == 0


async def test_request_that_was_handed_over_is_not_handed_over_again() -> None:
    async with workers(3) as (first, second, third):
        sid = await session_of(third)
        sent = request(f"{POLLING}&sid={sid}")
        ours, theirs = trio.socket.socketpair()
        assert await first.mesh.peers[11].outgoing.hand_over(theirs.fileno(), sent, inf)
        theirs.close()
        answer = await read_until(trio.SocketStream(ours), b"}")
        assert status(answer) == 400
        assert b'"code":1' in answer
        assert second.sessions.sent == 0
        ours.close()


async def test_other_paths_with_a_session_id_are_answered_here() -> None:
    async with workers() as (first, second):
        sid = await session_of(first)
        response = await second.wire.http().request("GET", f"/elsewhere?sid={sid}")
        assert response.status == 404
        assert second.sessions.sent == 0


async def test_request_of_an_ended_worker_is_unknown() -> None:
    async with workers() as (first, second):
        sid = await session_of(first)
        first.scope.cancel()
        await wait_all_tasks_blocked()
        response = await second.wire.http().request("GET", f"{POLLING}&sid={sid}")
        assert (response.status, response.json["code"]) == (400, 1)


HELLO = b'{"version":1}'


async def silent_worker(worker: Worker, *, greets: bool = True) -> tuple[str, Pair]:
    """Connect a worker that reads nothing; returns an id of a session in it, and the full socketpair."""
    ours, theirs = Mesh.pair()
    if greets:
        theirs.send_nowait(Kind.HELLO, HELLO)
    while ours.send_nowait(Kind.MESSAGES, bytes(1000)):
        pass
    worker.mesh.join(30, ours)
    await wait_all_tasks_blocked()
    return SessionIds(30, KEY).make(), theirs


async def test_worker_that_does_not_read_gives_503_after_a_second(autojump_clock: Any) -> None:
    with no_leak():
        async with workers(1) as (worker,):
            sid, pair = await silent_worker(worker)
            began = trio.current_time()
            response = await worker.wire.http().request("GET", f"{POLLING}&sid={sid}")
            assert response.status == 503
            assert response.headers["retry-after"] == "1"
            assert trio.current_time() - began == pytest.approx(1.0)
            pair.close()


async def test_worker_that_greets_late_and_does_not_read_gives_503_after_a_second(
    autojump_clock: Any,
) -> None:
    async with workers(1) as (worker,):
        sid, pair = await silent_worker(worker, greets=False)
        began = trio.current_time()
        client = worker.wire.http()
        await client.send("GET", f"{POLLING}&sid={sid}")
        await trio.sleep(0.9)
        pair.send_nowait(Kind.HELLO, HELLO)
        assert (await client.response()).status == 503
        assert trio.current_time() - began == pytest.approx(1.0)
        pair.close()


async def test_connections_that_wait_for_a_worker_are_bounded(autojump_clock: Any) -> None:
    async with workers(1) as (worker,):
        sid, pair = await silent_worker(worker)
        for _ in range(MOST_HANDOVERS):
            await worker.wire.http().send("GET", f"{POLLING}&sid={sid}")
        await wait_all_tasks_blocked()
        began = trio.current_time()
        response = await worker.wire.http().request("GET", f"{POLLING}&sid={sid}")
        assert response.status == 503
        assert trio.current_time() == began
        pair.close()


async def test_connection_is_sent_when_the_worker_reads_again(autojump_clock: Any) -> None:
    with no_leak():
        async with workers(1) as (worker,):
            sid, pair = await silent_worker(worker)
            http = worker.wire.http()
            await http.send("GET", f"{POLLING}&sid={sid}")
            await wait_all_tasks_blocked()
            while (packet := pair.receive_nowait()) is None or packet.kind != Kind.CONNECTION:
                await wait_all_tasks_blocked()
            assert packet.content.startswith(b"GET ")
            os.write(packet.descriptors[0], b"HTTP/1.1 204 No Content\r\n\r\n")
            close_all(packet.descriptors)
            assert (await http.response()).status == 204
            assert worker.sessions.sent == 1
            pair.close()


async def test_worker_that_ends_while_a_connection_waits_gives_400(autojump_clock: Any) -> None:
    async with workers(1) as (worker,):
        sid, pair = await silent_worker(worker)
        http = worker.wire.http()
        await http.send("GET", f"{POLLING}&sid={sid}")
        await wait_all_tasks_blocked()
        pair.close()
        response = await http.response()
        assert (response.status, response.json["code"]) == (400, 1)


async def test_worker_of_another_version_gets_no_connection() -> None:
    async with workers(1) as (worker,):
        ours, theirs = Mesh.pair()
        worker.mesh.join(30, ours)
        theirs.send_nowait(Kind.HELLO, b'{"version":2,"later":[]}')
        await wait_all_tasks_blocked()
        sid = SessionIds(30, KEY).make()
        response = await worker.wire.http().request("GET", f"{POLLING}&sid={sid}")
        assert (response.status, response.json["code"]) == (400, 1)
        theirs.close()


# hang-ups


@pytest.mark.parametrize("moment", ["before", "after", "with half a body"])
async def test_client_that_hangs_up_leaves_no_descriptor_open(moment: str) -> None:
    with no_leak():
        async with workers() as (first, second):
            sid = await session_of(first)
            for _ in range(20):
                stream = second.wire.stream()
                if moment == "with half a body":
                    target = f"{POLLING}&sid={sid}"
                    await stream.send_all(request(target, "Content-Length: 9", method="POST", body=b"3"))
                else:
                    await stream.send_all(request(f"{POLLING}&sid={sid}"))
                if moment == "after":
                    await wait_all_tasks_blocked()
                await stream.aclose()
                await wait_all_tasks_blocked()
                sid = sid if sid in first.io._require_runtime().engine.sessions else await session_of(first)
            assert second.sessions.sent == first.sessions.received == 20


async def test_server_stops_with_a_connection_that_was_handed_over() -> None:
    with no_leak():
        async with workers() as (first, second):
            sid = await session_of(first)
            waiting = second.wire.http()
            await waiting.send("GET", f"{POLLING}&sid={sid}")
            await wait_all_tasks_blocked()


async def test_generate_id_is_refused() -> None:
    async with Server(generate_id=lambda: "mine") as io:
        with pytest.raises(ValueError, match="generate_id cannot be used with more than one worker"):
            io.join_workers(Worker(1).sessions)


async def test_connection_moves_to_the_count_of_its_worker() -> None:
    async with workers() as (first, second):
        http = second.wire.http()
        await http.send("GET", f"{POLLING}&sid={await session_of(first)}")
        await wait_all_tasks_blocked()
        hosts = [worker.io._require_runtime().host for worker in (first, second)]
        assert [len(host.connections) for host in hosts] == [1, 0]
        # One has opened the session, and needs no task.
        assert [len(host.http_reactor.connections) for host in hosts if host.http_reactor] == [1, 0]


async def test_connection_for_a_server_that_has_stopped_is_closed() -> None:
    worker = Worker(30)
    async with worker.io as io:
        io.join_workers(worker.sessions)
    with no_leak():
        ours, theirs = trio.socket.socketpair()
        assert worker.mesh.take_connection is not None
        worker.mesh.take_connection(theirs.detach(), request(POLLING))
        assert await read_all(trio.SocketStream(ours)) == b""
        ours.close()


async def test_worker_that_drains_lets_another_one_open_new_sessions() -> None:
    async with workers() as (first, second):
        http = first.wire.http()
        await first.io.drain(1)
        response = await http.request("GET", "/socket.io/?EIO=4&transport=polling")
        assert response.status == 200
        assert (first.io.engine.clients_count, second.io.engine.clients_count) == (0, 1)


async def test_new_sessions_are_refused_when_all_workers_drain() -> None:
    async with workers() as (first, second):
        http = first.wire.http()
        await second.io.drain(1)
        await first.io.drain(1)
        response = await http.request("GET", "/socket.io/?EIO=4&transport=polling")
        assert response.status == 503
