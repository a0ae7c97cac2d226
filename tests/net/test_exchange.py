"""One request and its answer, without a server."""

from __future__ import annotations

from support.http import HttpBench

from trio_socketio.engineio import EngineRequest, EngineResponse

OK = EngineResponse(200, [("Content-Length", "2")], b"ok")


def head(query: str, method: str = "GET") -> bytes:
    return f"{method} /engine.io/?{query} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


async def test_request_is_admitted_or_refused_with_its_response() -> None:
    http = HttpBench()
    exchange, _ = await http.begin(head("EIO=4&transport=polling"))
    assert await exchange.refusal() is None
    exchange, _ = await http.begin(head("EIO=4&transport=pigeon"))
    refusal = await exchange.refusal()
    assert refusal is not None
    assert (refusal.status, b"Transport unknown" in refusal.body) == (400, True)


async def test_middleware_is_awaited_before_the_request_is_admitted() -> None:
    http = HttpBench()
    passed: list[str] = []

    async def middleware(request: EngineRequest, go_on: object) -> None:
        passed.append(request.path)

    http.bench.engine.hooks.middlewares.append(middleware)
    exchange, _ = await http.begin(head("EIO=4&transport=polling"))
    refusal = await exchange.refusal()
    assert passed == ["/engine.io/"]
    assert refusal is not None  # the middleware did not go on
    assert refusal.status == 400


async def test_only_responses_of_the_engine_have_the_fields_of_the_application() -> None:
    http = HttpBench()
    http.bench.engine.hooks.headers.append(lambda headers, request: headers.append(("X-Name", "value")))
    answers = []
    for plainly in (False, True):
        exchange, client = await http.begin(head("EIO=4&transport=polling"))
        assert await (exchange.respond_plainly if plainly else exchange.respond)(OK) is True
        answers.append(await client.receive_some(1000))
    assert [b"X-Name: value\r\n" in answer for answer in answers] == [True, False]
    assert all(answer.endswith(b"\r\n\r\nok") for answer in answers)


async def test_response_to_head_has_no_body() -> None:
    exchange, client = await HttpBench().begin(head("EIO=4&transport=polling", "HEAD"))
    assert await exchange.respond(OK) is True
    answer = await client.receive_some(1000)
    assert b"Content-Length: 2\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")
