"""Registration with a Socket.IO server: names that no client can send, and middlewares."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from trio_socketio import EngineServer, Server, Socket

pytestmark = pytest.mark.rows("P33")


@pytest.mark.parametrize("name", ["connect_error", "newListener", "removeListener"])
def test_names_reserved_by_socketio_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"is a reserved event name of Socket\.IO"):
        Server().on(name, lambda socket: None)


def test_star_is_refused() -> None:
    io = Server()
    for on in (io.on, io.once, io.of("/ok").on):
        with pytest.raises(ValueError, match="use on_any to register a handler for every event"):
            on("*", lambda socket: None)
    with pytest.raises(ValueError, match="event must be one of"):
        EngineServer().on("*")


def test_middlewares_with_other_parameters_than_the_socket_are_refused() -> None:
    io = Server()

    async def node(socket: Socket, next: Any) -> None: ...  # noqa: A002

    async def keyword(socket: Socket, *, next: Any) -> None: ...  # noqa: A002

    async def default(socket: Socket, extra: int = 0) -> None: ...

    for use in (io.use, io.of("/ok").use):
        with pytest.raises(
            TypeError, match=r"2 required parameters.*without next\(\).*raises ConnectRefused"
        ):
            use(node)
        with pytest.raises(TypeError, match="next needs a default"):
            use(keyword)
        with pytest.raises(TypeError, match="needs a parameter for the socket"):
            use(lambda: None)
        with pytest.raises(TypeError, match="a middleware must be a function, not str"):
            use("auth")  # type: ignore[type-var]
        for fine in (default, lambda *args: None, partial(node, next=1), [].append, print):
            assert use(fine) is fine
