"""What monitors are told, and who the client is where proxies are in front."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.links import SocketLink
from support.raw import POLLING, exchange, request, status, upgrade
from support.wire import Wire

from trio_socketio import EngineRequest, Server


@pytest.mark.rows("B23")
async def test_health(autojump_clock: Any, running: Any) -> None:
    io = Server(health_path="/healthz", cors="*")
    with pytest.raises(RuntimeError, match="is not running"):
        io.health()

    @io.engine.use
    async def nobody(request: EngineRequest, go_on: Any) -> None: ...

    @io.engine.on("headers")
    def headers(headers: list[tuple[str, str]], request: EngineRequest) -> None:
        raise AssertionError("this is no response of the engine")

    async with running(io) as wire:
        http = wire.http()
        await trio.sleep(5)
        assert (io.health().status, io.health().clients_count) == ("ok", 0)
        assert io.health().uptime == pytest.approx(5)
        response = await http.request("GET", "/healthz?verbose", headers={"Origin": "http://a.example"})
        assert (response.status, response.json) == (200, {"status": "ok", "clients_count": 0, "uptime": 5.0})
        assert response.own_headers == {
            "content-type": "application/json",
            "content-length": str(len(response.body)),
            "cache-control": "no-store",
        }
        io._require_runtime().host.drain()
        response = await http.request("GET", "/healthz")
        assert (response.status, response.json["status"]) == (503, "draining")
        assert io.engine.refused == {}


@pytest.mark.rows("B23")
async def test_health_counts_clients_and_says_when_the_server_drains(
    autojump_clock: Any, running: Any
) -> None:
    io = Server(health_path="/healthz")
    async with running(io) as wire:
        await wire.polling()
        assert (await wire.http().request("GET", "/healthz")).json["clients_count"] == 1
        wire.nursery.start_soon(io.drain)
        await trio.testing.wait_all_tasks_blocked()
        assert (await wire.http().request("GET", "/healthz")).status == 503
        io._require_runtime().host.stop()
        assert io.health().status == "stopping"


@pytest.mark.rows("B23")
@pytest.mark.parametrize(("method", "path", "code"), [
    ("HEAD", "/healthz", 200), ("POST", "/healthz", 405), ("OPTIONS", "/healthz", 405), ("GET", "/healthz/", 404),
    ("GET", "/health", 404),
])  # fmt: skip
async def test_methods_and_paths_of_health(
    autojump_clock: Any, running: Any, method: str, path: str, code: int
) -> None:
    async with running(Server(health_path="/healthz")) as wire:
        received = await exchange(wire.stream(), request(path, "Connection: close", method=method))
        assert status(received) == code
        assert received.endswith(b"\r\n\r\n")
        assert (b"Allow: GET, HEAD" in received) is (code == 405)
        assert status(await exchange(wire.stream(), upgrade(path))) == 404


@pytest.mark.rows("B23")
async def test_health_path_is_not_served_by_default(autojump_clock: Any, running: Any) -> None:
    async with running(Server()) as wire:
        for path in ("/healthz", "/None", "None"):
            assert status(await exchange(wire.stream(), request(path, "Connection: close"))) == 404


# proxies: over a Unix-domain socket, which may be trusted


@pytest.mark.rows("A18")
@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize(("trusted", "header", "address", "secure"), [
    ((), "x-forwarded-for", "unix", False), (["10.0.0.0/8"], "x-forwarded-for", "unix", False),
    (["unix"], "x-forwarded-for", "1.2.3.4", True), (["unix"], "forwarded", "5.6.7.8", False),
])  # fmt: skip
async def test_handshake_names_the_client_behind_the_proxy(
    autojump_clock: Any, trusted: Any, header: Any, address: str, secure: bool, waits: bool
) -> None:
    asked: list[tuple[str, bool]] = []

    async def allow(request: EngineRequest) -> None:
        asked.append((request.address, request.secure))

    options: dict[str, Any] = {"allow_request": allow} if waits else {}
    io = Server(trusted_proxies=trusted, proxy_header=header, **options)
    told = {"X-Forwarded-For": "6.6.6.6, 1.2.3.4", "X-Forwarded-Proto": "https",
            "Forwarded": 'for=6.6.6.6, for="5.6.7.8:90";proto=http'}  # fmt: skip
    async with trio.open_nursery() as nursery:
        async with io:
            wire = Wire(io, nursery, SocketLink())
            client = await (await wire.session(headers=told)).connect()
            (socket,) = io.sockets.values()
            assert (socket.handshake.address, socket.handshake.secure) == (address, secure)
            assert asked == ([(address, secure)] if waits else [])
            assert client.sids
            await wire.aclose()
        nursery.cancel_scope.cancel()


@pytest.mark.rows("A18", "B11")
@pytest.mark.parametrize(("trusted", "proto", "code"), [
    (["unix"], "https", 403), (["unix"], "http", 200), ((), "https", 200),
])  # fmt: skip
async def test_plain_page_is_of_another_origin_than_a_secure_proxy(
    autojump_clock: Any, trusted: Any, proto: str, code: int
) -> None:
    io = Server(trusted_proxies=trusted)
    async with trio.open_nursery() as nursery:
        async with io:
            wire = Wire(io, nursery, SocketLink())
            fields = [f"X-Forwarded-Proto: {proto}", "Origin: http://test", "Connection: close"]
            assert status(await exchange(wire.stream(), request(POLLING, *fields))) == code
            await wire.aclose()
        nursery.cancel_scope.cancel()
