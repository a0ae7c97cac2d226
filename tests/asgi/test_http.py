"""HTTP requests to an ASGI application beside the engine."""

from __future__ import annotations

import ssl
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from conftest import Running
from support.asgi import without_lifespan
from support.certificates import certificate_in
from support.logs import warnings
from support.raw import exchange, read_all, read_until, request
from support.wire import HttpClient
from trio.testing import wait_all_tasks_blocked

from trio_socketio import EngineServer, Server


async def answer(send: Any, body: bytes = b"", *headers: tuple[bytes, bytes], status: int = 200) -> None:
    fields = [(b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def read_body(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        assert message["type"] == "http.request"
        body, more = body + message["body"], message["more_body"]
    return body


async def echo(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    await answer(send, await read_body(receive))


@pytest.mark.rows("A3")
async def test_application_answers_other_paths_and_the_engine_its_own(running: Running) -> None:
    async with running(Server(asgi=echo)) as wire:
        http = wire.http()
        assert (await http.request("POST", "/page", b"hello")).body == b"hello"
        assert (await http.request("GET", "/socket.io/?EIO=4&transport=polling")).text.startswith("0{")
        assert (await http.request("POST", "/page", b"again")).body == b"again"
        client = await wire.connect()
        assert client.sids


async def test_engine_server_has_the_option_too(running: Running) -> None:
    async with running(EngineServer(asgi=echo)) as wire:
        assert (await wire.http().request("POST", "/", b"a")).body == b"a"


async def test_files_and_health_come_before_the_application(running: Running, tmp_path: Any) -> None:
    (tmp_path / "page").write_text("a file")
    io = Server(asgi=echo, health_path="/health", static_files={"/page": tmp_path / "page"})
    async with running(io) as wire:
        http = wire.http()
        assert (await http.request("GET", "/page")).text == "a file"
        assert (await http.request("GET", "/health")).json["status"] == "ok"
        assert (await http.request("GET", "/page/")).body == b""


async def test_scope_describes_the_request(running: Running) -> None:
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await answer(send)

    async with running(Server(asgi=without_lifespan(app))) as wire:
        await wire.http().request("GET", "/a%20b/%C3%A4?x=%20&y", headers={"X-Two": "1", "Host": "name"})
    (scope,) = scopes
    assert scope["type"] == "http"
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.3"}
    assert (scope["http_version"], scope["method"], scope["scheme"]) == ("1.1", "GET", "http")
    assert (scope["path"], scope["raw_path"], scope["root_path"]) == ("/a b/ä", b"/a%20b/%C3%A4", "")
    assert scope["query_string"] == b"x=%20&y"
    assert (b"x-two", b"1") in scope["headers"]
    assert (b"host", b"name") in scope["headers"]
    assert scope["extensions"] == {}


async def test_trusted_proxy_states_the_client_and_the_scheme() -> None:
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await answer(send)

    io = Server(asgi=without_lifespan(app), trusted_proxies=["127.0.0.1"])
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(io.serve, "127.0.0.1", 0)
        address = listener.socket.getsockname()
        stream = await trio.open_tcp_stream(*address)
        fields = ("X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "Connection: close")
        async with stream:
            await exchange(stream, request("/", *fields))
        nursery.cancel_scope.cancel()
    assert (scopes[0]["client"], scopes[0]["scheme"]) == (("192.0.2.1", 0), "https")
    assert scopes[0]["server"] == address


@pytest.mark.parametrize("chunked", [False, True])
async def test_body_is_read_only_as_fast_as_the_application_takes_it(running: Running, chunked: bool) -> None:
    sizes: list[int] = []
    go_on = trio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await go_on.wait()
        more = True
        while more:
            message = await receive()
            sizes.append(len(message["body"]))
            more = message["more_body"]
        await answer(send, b"%d" % sum(sizes))

    size = 2_000_000
    field = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    body = b"".join(b"3e8\r\n" + bytes(1000) + b"\r\n" for _ in range(size // 1000)) + b"0\r\n\r\n"
    sent = False
    async with running(Server(asgi=without_lifespan(app))) as wire:
        wire.narrow()
        stream = wire.stream()

        async def send() -> None:
            nonlocal sent
            await stream.send_all(request("/", field, method="POST", body=body if chunked else bytes(size)))
            sent = True

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            await wait_all_tasks_blocked(0.05)
            assert not sent
            go_on.set()
            response = await read_until(stream, b"%d" % size)
    assert response.startswith(b"HTTP/1.1 200 ")
    assert max(sizes) <= 2 * 65536


async def test_send_waits_for_a_slow_client(running: Running) -> None:
    parts = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal parts
        await send({"type": "http.response.start", "status": 200})
        for parts in range(1, 41):  # noqa: B007
            await send({"type": "http.response.body", "body": bytes(20_000), "more_body": True})
        await send({"type": "http.response.body", "body": b"the end"})

    async with running(Server(asgi=without_lifespan(app))) as wire:
        wire.narrow()
        stream = wire.stream()
        await stream.send_all(request("/"))
        await wait_all_tasks_blocked(0.05)
        assert parts < 40
        response = await read_until(stream, b"the end\r\n0\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in response
    assert parts == 40


async def test_disconnect_does_not_cancel_the_application(running: Running) -> None:
    events: list[str] = []
    ended = trio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        events.append((await receive())["type"])
        await answer(send, b"for no client")
        await trio.lowlevel.checkpoint()
        events.append((await receive())["type"])
        ended.set()

    async with running(Server(asgi=without_lifespan(app))) as wire:
        stream = wire.stream()
        await stream.send_all(request("/"))
        await wait_all_tasks_blocked()
        await stream.aclose()
        with trio.fail_after(5):
            await ended.wait()
    assert events == ["http.disconnect", "http.disconnect"]


async def test_disconnect_in_the_middle_of_a_body(running: Running, caplog: Any) -> None:
    types: list[str] = []
    ended = trio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while "http.disconnect" not in types:
            types.append((await receive())["type"])
        ended.set()

    async with running(Server(asgi=without_lifespan(app))) as wire:
        stream = wire.stream()
        await stream.send_all(request("/", "Content-Length: 10", method="POST", body=b"five!"))
        await wait_all_tasks_blocked()
        await stream.aclose()
        with trio.fail_after(5):
            await ended.wait()
    assert types == ["http.request", "http.disconnect"]
    assert not warnings(caplog)


async def test_background_task_does_not_delay_the_next_request(running: Running) -> None:
    finish, ended = trio.Event(), 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal ended
        await answer(send, scope["path"].encode())
        assert (await receive())["type"] == "http.disconnect"
        await finish.wait()
        ended += 1

    async with running(Server(asgi=without_lifespan(app))) as wire:
        http = wire.http()
        assert (await http.request("GET", "/1")).body == b"/1"
        assert (await http.request("GET", "/2")).body == b"/2"
        await trio.aclose_forcefully(http.stream)
        await wait_all_tasks_blocked()
        finish.set()
        await wait_all_tasks_blocked()
        assert ended == 2


async def test_pipelined_requests_are_answered_in_order(running: Running) -> None:
    async with running(Server(asgi=echo)) as wire:
        stream = wire.stream()
        first = request("/", "Content-Length: 3", method="POST", body=b"one")
        second = request("/", "Transfer-Encoding: chunked", method="POST", body=b"3\r\ntwo\r\n0\r\n\r\n")
        last = request("/", "Content-Length: 5", "Connection: close", method="POST", body=b"three")
        response = await exchange(stream, first + second + last)
    assert [part.rpartition(b"\r\n")[2] for part in response.split(b"HTTP/1.1 200 ")[1:]] == [
        b"one", b"two", b"three",
    ]  # fmt: skip


async def test_requests_after_bodies_in_pieces(running: Running) -> None:
    async with running(Server(asgi=echo)) as wire:
        stream = wire.stream()
        for text in (b"one", b"two"):
            await stream.send_all(request("/", "Content-Length: 3", method="POST", body=text[:1]))
            await wait_all_tasks_blocked()
            await stream.send_all(text[1:])
            assert (await read_until(stream, text)).startswith(b"HTTP/1.1 200 ")


async def test_continue_is_sent_when_the_application_reads(running: Running) -> None:
    read = trio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await read.wait()
        await echo(scope, receive, send)

    async with running(Server(asgi=without_lifespan(app))) as wire:
        stream = wire.stream()
        await stream.send_all(request("/", "Content-Length: 3", "Expect: 100-continue", method="POST"))
        await wait_all_tasks_blocked()
        read.set()
        assert (await read_until(stream, b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        await stream.send_all(b"abc")
        assert (await read_until(stream, b"abc")).startswith(b"HTTP/1.1 200 ")


async def test_unread_body_closes_the_connection(running: Running) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, b"too large", status=413)

    async with running(Server(asgi=without_lifespan(app))) as wire:
        fields = ("Content-Length: 1000000", "Expect: 100-continue")
        response = await exchange(wire.stream(), request("/", *fields, method="POST"))
    assert response.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close" in response
    assert response.endswith(b"\r\n\r\ntoo large")


async def test_head_request_gets_no_body(running: Running) -> None:
    async with running(Server(asgi=lambda scope, receive, send: answer(send, b"body"))) as wire:
        http = wire.http()
        response = await http.request("HEAD", "/")
        assert (response.status, response.body, response.headers["content-length"]) == (200, b"", "4")
        assert (await http.request("GET", "/")).body == b"body"


async def test_old_client_gets_a_body_without_chunks(running: Running) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["http_version"] == "1.0"
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"b"})

    async with running(Server(asgi=without_lifespan(app))) as wire:
        response = await exchange(wire.stream(), request("/", version="1.0"))
    assert response.endswith(b"\r\n\r\nab")
    assert b"Transfer-Encoding" not in response


@pytest.mark.stream_only("virtual time")
async def test_client_that_does_not_send_its_body_gets_408(running: Running, autojump_clock: Any) -> None:
    types: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while "http.disconnect" not in types:
            types.append((await receive())["type"])

    async with running(Server(asgi=without_lifespan(app), request_timeout=3)) as wire:
        response = await exchange(wire.stream(), request("/", "Content-Length: 3", method="POST", body=b"a"))
    assert response.startswith(b"HTTP/1.1 408 ")
    assert types == ["http.request", "http.disconnect"]


@pytest.mark.stream_only("virtual time")
@pytest.mark.parametrize(("size", "code"), [(100, 408), (1024, 200)])
async def test_each_kilobyte_of_a_body_has_a_time_limit(
    running: Running, autojump_clock: Any, size: int, code: int
) -> None:
    async with running(Server(asgi=echo, request_timeout=3)) as wire:
        stream = wire.stream()
        await stream.send_all(request("/", "Content-Length: 5000", "Connection: close", method="POST"))
        with suppress(trio.BrokenResourceError):
            for _ in range(0, 5000, size):
                await stream.send_all(bytes(size))
                await trio.sleep(2)
        assert (await read_all(stream)).startswith(b"HTTP/1.1 %d " % code)


@pytest.mark.stream_only("virtual time")
async def test_body_has_no_time_limit_while_the_application_does_not_read_it(
    running: Running, autojump_clock: Any
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await trio.sleep(10)
        await echo(scope, receive, send)

    async with running(Server(asgi=without_lifespan(app), request_timeout=3)) as wire:
        fields = ("Content-Length: 100000", "Connection: close")
        response = await exchange(wire.stream(), request("/", *fields, method="POST", body=bytes(100_000)))
    assert response.startswith(b"HTTP/1.1 200 ")


async def test_malformed_body_gets_400(running: Running) -> None:
    types: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        types.append((await receive())["type"])

    async with running(Server(asgi=without_lifespan(app))) as wire:
        stream = wire.stream()
        await stream.send_all(request("/", "Transfer-Encoding: chunked", method="POST"))
        await wait_all_tasks_blocked()
        assert (await exchange(stream, b"no size\r\n")).startswith(b"HTTP/1.1 400 ")
    assert types == ["http.disconnect"]


@pytest.mark.stream_only("virtual time")
async def test_stop_waits_for_the_application_and_then_cancels_it(
    running: Running, autojump_clock: Any
) -> None:
    ends: list[tuple[str, float]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await answer(send)
        try:
            await trio.sleep(1 if scope["path"] == "/short" else 100)
            ends.append((scope["path"], trio.current_time() - stopped))
        except trio.Cancelled:
            ends.append(("cancelled", trio.current_time() - stopped))
            raise

    async with running(Server(asgi=without_lifespan(app), disconnect_timeout=3)) as wire:
        await wire.http().request("GET", "/short")
        await wire.http().request("GET", "/long")
        stopped = trio.current_time()
    assert ends == [("/short", pytest.approx(1)), ("cancelled", pytest.approx(3))]


async def test_endpoint_emits(running: Running) -> None:
    io = Server()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await io.emit("news", 1)
        await answer(send)

    io = Server(asgi=without_lifespan(app))
    async with running(io) as wire:
        client = await wire.connect()
        await wire.http().request("GET", "/")
        assert await client.receive() == '2["news",1]'


async def test_application_is_served_over_tls(tmp_path: Path) -> None:
    client_context, certificate = certificate_in(tmp_path)
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_context.load_cert_chain(certificate)
    schemes: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        schemes.append(scope["scheme"])
        await echo(scope, receive, send)

    io = Server(asgi=without_lifespan(app))
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(io.serve, "127.0.0.1", 0, ssl_context=server_context))
        port = listener.transport_listener.socket.getsockname()[1]
        stream = await trio.open_ssl_over_tcp_stream("localhost", port, ssl_context=client_context)
        async with stream:
            response = await HttpClient(stream).request("POST", "/", b"x" * 200_000)
        nursery.cancel_scope.cancel()
    assert response.body == b"x" * 200_000
    assert schemes == ["https"]
