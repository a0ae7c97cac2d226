"""What responses carry besides the engine's own: CORS, the cookie, what hooks add."""

from __future__ import annotations

import copy
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from support.raw import POLLING, WEBSOCKET, exchange, fields, request, status, switched, upgrade

from trio_socketio import CookieOptions, Cors, EngineRequest, Forbidden, Server

Next = Callable[[], Awaitable[None]]
Fields = list[tuple[str, str]]

CLOSE = "Connection: close"
PAGE = {"Origin": "http://a.example"}


def failures(caplog: pytest.LogCaptureFixture) -> int:
    return sum(record.levelno >= logging.ERROR for record in caplog.records)


# CORS


@pytest.mark.rows("B10", "B3")
@pytest.mark.parametrize("suffix", ["", "&sid=unknown", "&transport=x"])
async def test_preflight_is_answered_before_middlewares(
    autojump_clock: Any, running: Any, suffix: str
) -> None:
    io = Server(cors=Cors(origin="http://a.example", credentials=True))

    @io.engine.use
    async def nobody(request: EngineRequest, go_on: Next) -> None:
        raise Forbidden

    async with running(io) as wire:
        http = wire.http()
        asked = {
            **PAGE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
        response = await http.request("OPTIONS", POLLING + suffix, headers=asked)
        assert (response.status, response.body) == (204, b"")
        assert response.own_headers == {
            "Content-Length".lower(): "0",
            "vary": "Origin, Access-Control-Request-Headers",
            "access-control-allow-origin": "http://a.example",
            "access-control-allow-credentials": "true",
            "access-control-allow-methods": "GET,HEAD,PUT,PATCH,POST,DELETE",
            "access-control-allow-headers": "content-type",
        }
        foreign = await http.request(
            "OPTIONS", POLLING + suffix, headers={**asked, "Origin": "http://b.example"}
        )
        assert foreign.status == 204
        assert not any(name.startswith("access-control") for name in foreign.headers)
        assert (io.engine.clients_count, io.engine.refused) == (0, {})


@pytest.mark.rows("B3", "B10")
async def test_preflight_without_cors_is_a_bad_method(autojump_clock: Any, running: Any) -> None:
    async with running(Server()) as wire:
        http = wire.http()
        response = await http.request("OPTIONS", POLLING, headers={"Origin": "http://test"})
        assert (response.status, response.json["code"]) == (400, 2)
        assert "vary" not in response.headers
        assert (await http.request("OPTIONS", POLLING, headers=PAGE)).status == 403


@pytest.mark.rows("B10")
async def test_preflight_may_continue_to_the_engine(autojump_clock: Any, running: Any) -> None:
    cors = Cors(origin="*", preflight_continue=True)
    async with running(Server(cors=cors)) as wire:
        response = await wire.http().request("OPTIONS", POLLING, headers=PAGE)
        assert (response.status, response.json["code"]) == (400, 2)
        assert response.headers["access-control-allow-origin"] == "http://a.example"
        assert response.headers["access-control-allow-methods"] == "GET,HEAD,PUT,PATCH,POST,DELETE"
        polling = await wire.polling()
        response = await wire.http().request("OPTIONS", polling.target, headers=PAGE)
        assert response.status == 405
        assert response.headers["access-control-allow-origin"] == "http://a.example"


async def _ask(origin: str, request: EngineRequest) -> bool:
    await trio.lowlevel.checkpoint()
    return origin == "http://a.example"


@pytest.mark.rows("B10")
@pytest.mark.parametrize("origin", ["http://a.example", "*", _ask])
async def test_every_response_says_for_which_origin_it_is(
    autojump_clock: Any, running: Any, origin: Any
) -> None:
    cors = Cors(origin=origin, credentials=True, exposed_headers=["X-Served-By"])
    grant = [("access-control-allow-origin", "http://a.example"), ("access-control-allow-credentials", "true"),
             ("access-control-expose-headers", "X-Served-By"), ("vary", "Origin")]  # fmt: skip
    async with running(Server(cors=cors)) as wire:
        polling = await wire.polling()
        own = f"{POLLING}&sid={polling.sid}"
        for origins, expected in (([], [("vary", "Origin")]), (["Origin: http://a.example"], grant)):
            for data, code in (
                (request(POLLING, *origins, CLOSE), 200),
                (request(own, *origins, "Content-Length: 1", CLOSE, method="POST", body=b"3"), 200),
                (request(own, *origins, CLOSE, method="PUT"), 405),
                (request(f"{POLLING}&sid=unknown", *origins, CLOSE), 400),
                (upgrade(Sec_WebSocket_Version="12", **(PAGE if origins else {})), 400),
                (upgrade(WEBSOCKET + "&EIO=3", **(PAGE if origins else {})), 400),
            ):
                received = await exchange(wire.stream(), data)
                assert status(received) == code
                assert [
                    each for each in fields(received) if each[0].startswith(("access", "vary"))
                ] == expected
            received = await switched(wire, **(PAGE if origins else {}))
            assert [each for each in fields(received) if each[0].startswith(("access", "vary"))] == expected


@pytest.mark.rows("B10")
@pytest.mark.parametrize("origin", ["*", _ask])
async def test_refusal_of_a_draining_server_has_cors_fields(
    autojump_clock: Any, running: Any, origin: Any
) -> None:
    io = Server(cors=origin)
    async with running(io) as wire:
        io._require_runtime().host.drain()
        response = await wire.http().request("GET", POLLING, headers=PAGE)
        assert response.status == 503
        assert response.headers["access-control-allow-origin"] == "http://a.example"
        received = await exchange(wire.stream(), upgrade(**PAGE))
        assert status(received) == 503
        assert dict(fields(received))["access-control-allow-origin"] == "http://a.example"


@pytest.mark.rows("B10")
async def test_grant_is_not_kept_with_the_session(autojump_clock: Any, running: Any) -> None:
    io = Server(cors="*")
    async with running(io) as wire:
        await wire.http().request("GET", POLLING, headers=PAGE)
        await switched(wire, **PAGE)
        sessions = io._require_runtime().engine.sessions.values()
        assert [session.request.response_headers for session in sessions] == [(), ()]


# the cookie


@pytest.mark.rows("B12")
@pytest.mark.parametrize(("cookie", "text"), [
    (True, "io=the-id; Path=/; HttpOnly; SameSite=Lax"), ("lb", "lb=the-id; Path=/; HttpOnly; SameSite=Lax"),
    (CookieOptions(path="/x", secure=True), "io=the-id; Path=/x; HttpOnly; Secure; SameSite=Lax"),
])  # fmt: skip
async def test_cookie_is_set_once(autojump_clock: Any, running: Any, cookie: Any, text: str) -> None:
    async with running(Server(cookie=cookie, generate_id=lambda: "the-id")) as wire:
        received = await switched(wire)
        assert [value for name, value in fields(received) if name == "set-cookie"] == [text]
        await wire.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert wire.io.engine.clients_count == 0
        http = wire.http()
        assert (await http.request("GET", POLLING)).headers["set-cookie"] == text
        refused = await http.request("GET", f"{POLLING}&sid=unknown")
        assert "set-cookie" not in refused.headers
        posted = await http.request("POST", f"{POLLING}&sid=the-id", b"40")
        assert (posted.text, "set-cookie" in posted.headers) == ("ok", False)
        assert b"set-cookie" not in (await switched(wire, f"{WEBSOCKET}&sid=the-id")).lower()


@pytest.mark.rows("B12")
@pytest.mark.parametrize("cookie", [";;;=", 'a="b; c', "\xe9\xff=\x80", "a=" + "b" * 8000, "=;"])
async def test_cookies_reach_the_application_unchanged(
    autojump_clock: Any, running: Any, cookie: str
) -> None:
    seen: list[str] = []

    def allow(request: EngineRequest) -> None:
        seen.append(request.headers["cookie"])

    async with running(Server(cookie=True, allow_request=allow)) as wire:  # type: ignore[arg-type]
        assert status(await exchange(wire.stream(), request(POLLING, f"Cookie: {cookie}", CLOSE))) == 200
        await switched(wire, Cookie=cookie)
        assert seen == [cookie, cookie]


# hooks


@pytest.mark.rows("B13")
async def test_initial_headers_once_and_headers_always(autojump_clock: Any, running: Any) -> None:
    io = Server()
    calls: list[tuple[str, str]] = []

    @io.engine.on("initial_headers")
    def initial_headers(headers: Fields, request: EngineRequest) -> None:
        calls.append(("initial", request.method))
        headers.append(("X-First", request.query["transport"]))

    async with running(io) as wire:

        def always(headers: Fields, request: EngineRequest) -> None:
            calls.append(("headers", request.method))
            headers.append(("X-Always", "yes"))

        assert io.engine.on("headers", always) is always  # while it runs
        polling = await wire.polling()
        assert calls == [("initial", "GET"), ("headers", "GET")]
        posted = await polling.post("40")
        got = await polling.get()
        refused = await wire.http().request("PUT", POLLING)
        for response in (posted, got, refused):
            assert response.headers["x-always"] == "yes"
            assert "x-first" not in response.headers
        received = fields(await switched(wire, polling.target.replace("polling", "websocket")))
        assert ("x-always", "yes") in received
        assert "x-first" not in dict(received)
        received = fields(await switched(wire))
        assert {("x-always", "yes"), ("x-first", "websocket")} <= set(received)
        assert [name for name, _ in calls].count("initial") == 2
        assert [name for name, _ in calls].count("headers") == 6
        assert "x-always" not in (await wire.http().request("GET", "/elsewhere")).headers


@pytest.mark.rows("B13", "B17")
async def test_hooks_change_what_is_there(autojump_clock: Any, running: Any) -> None:
    io = Server()

    @io.engine.on("headers")
    def headers(headers: Fields, request: EngineRequest) -> None:
        assert "content-length" not in [name.lower() for name, _ in headers]
        headers[:] = [(name, value) for name, value in headers if name != "cache-control"]
        headers.append(("Cache-Control", "private"))

    async with running(io) as wire:
        response = await wire.http().request("GET", POLLING)
        assert response.headers["cache-control"] == "private"
        assert response.headers["content-type"] == "text/plain; charset=UTF-8"
        assert int(response.headers["content-length"]) == len(response.body)


BROKEN: list[Any] = [
    ("X", "a\r\nSet-Cookie: b"), ("X", "a\nb"), ("X", "a\rb"), ("X", "\0"), ("X", "\x7f"), ("X", "\u0100"),
    ("X: a\r\nY", "b"), ("X Y", "b"), ("", "b"), ("X:", "b"), ("\xe9", "b"), ("X", 5), (5, "X"), ("X",), None,
    ("Content-Length", "0"), ("content-length", "0"), ("Transfer-Encoding", "chunked"), ("Connection", "close"),
    ("Upgrade", "x"), ("Sec-WebSocket-Accept", "x"), ("sec-websocket-protocol", "x"),
]  # fmt: skip


@pytest.mark.rows("B13")
@pytest.mark.parametrize("broken", BROKEN, ids=repr)
@pytest.mark.parametrize("event", ["initial_headers", "headers"])
async def test_invalid_fields_of_a_hook_are_left_out(
    autojump_clock: Any, running: Any, event: str, broken: Any, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server()

    @io.engine.on(event)
    def first(headers: Fields, request: EngineRequest) -> None:
        headers.append(("X-First", "1"))

    @io.engine.on(event)
    def second(headers: Fields, request: EngineRequest) -> None:
        headers.append(broken)

    async with running(io) as wire:
        received = await exchange(wire.stream(), request(POLLING, CLOSE))
        assert [name for name, _ in fields(received)] == [
            "content-length", "content-type", "cache-control", "x-first", "date", "connection"
        ]  # fmt: skip
        received = await switched(wire)
        assert sorted(name for name, _ in fields(received)) == [
            "connection", "sec-websocket-accept", "upgrade", "x-first"
        ]  # fmt: skip
        assert failures(caplog) == 2


@pytest.mark.rows("B13", "B14", "B7")
@pytest.mark.parametrize("broken", [BROKEN[0], ("X", "\u0100"), ("Content-Length", "0"), None], ids=repr)
@pytest.mark.parametrize("answer", [None, Forbidden("no"), LookupError()], ids=repr)
@pytest.mark.parametrize("who", ["middleware", "allow_request", "generate_id"])
async def test_requests_headers_that_may_not_be_sent_are_left_out(
    autojump_clock: Any, running: Any, who: str, answer: Exception | None, broken: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    def spoil(at: str, request: EngineRequest) -> None:
        if who == at:
            request.response_headers = [broken]
            if answer is not None:
                raise copy.copy(answer)  # one that was raised holds what it passed

    async def allow_request(request: EngineRequest) -> None:
        spoil("allow_request", request)

    async def give_id(request: EngineRequest) -> str:
        spoil("generate_id", request)
        return "an-id"

    io = Server(allow_request=allow_request, generate_id=give_id)

    @io.engine.use
    async def middleware(request: EngineRequest, go_on: Next) -> None:
        spoil("middleware", request)
        await go_on()

    async with running(io) as wire:
        received = await exchange(wire.stream(), request(POLLING, CLOSE))
        assert (status(received) == 200) is (answer is None)
        names = {name for name, _ in fields(received)}
        assert names <= {"content-length", "content-type", "cache-control", "date", "connection"}
        head, _, body = received.partition(b"\r\n\r\n")
        assert dict(fields(head))["content-length"] == str(len(body))
        assert any("response_headers" in record.getMessage() for record in caplog.records)


@pytest.mark.rows("B13")
async def test_hooks_are_called_for_a_refused_opening_handshake(
    autojump_clock: Any, running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server()
    io.engine.on("headers", lambda headers, request: headers.append(("X-Always", "yes")))
    async with running(io) as wire:
        received = dict(fields(await exchange(wire.stream(), upgrade(Sec_WebSocket_Key="short"))))
        assert (received["x-always"], received["sec-websocket-version"]) == ("yes", "13")
        assert failures(caplog) == 0


@pytest.mark.rows("B13")
def test_hooks_of_a_wrong_kind_are_refused() -> None:
    io = Server()

    async def never_awaited(headers: Fields, request: EngineRequest) -> None: ...

    with pytest.raises(TypeError, match="never_awaited is never awaited"):
        io.engine.on("headers", never_awaited)
    with pytest.raises(ValueError, match="initial_headers"):
        io.engine.on("header", print)

    def plain(request: EngineRequest, go_on: Next) -> None: ...

    with pytest.raises(TypeError, match="async def"):
        io.engine.use(plain)  # type: ignore[type-var]
    with pytest.raises(AttributeError):
        io.engine = None  # type: ignore[assignment,misc]
    assert io.engine.clients_count == 0
