"""Functions that cannot be called are refused at registration, with the remedy."""

from __future__ import annotations

import collections.abc
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Annotated, Any, NewType, Protocol, TypedDict, TypeVar

import msgspec
import pytest

from trio_socketio import EngineServer, EngineSocket, Server, Socket

pytestmark = pytest.mark.rows("P33")

Register = Callable[[Any], object]


def ways(io: Server) -> dict[str, Register]:
    """All ways to register a handler whose first parameter is the socket."""
    return {
        "io.on": io.on("ev"),
        "io.on directly": partial(io.on, "ev"),
        "namespace.on": io.of("/ok").on("ev"),
        "once": io.once("ev"),
        "on_any": io.on_any,
        "prepend_any": io.of("/ok").prepend_any,
        "connection": io.on("connection"),
        "use": io.use,
        "namespace.use": io.of("/ok").use,
    }


WAYS = list(ways(Server()))


class Generators:
    """Functions with yield, and callables that are such."""

    async def asynchronous(self, socket: Socket) -> AsyncIterator[int]:
        yield 1

    def plain(self, socket: Socket) -> Iterator[int]:
        yield 1

    def __call__(self, socket: Socket) -> Iterator[int]:
        yield 1

    @property
    def all(self) -> list[Callable[..., object]]:
        return [self.asynchronous, self.plain, self, partial(self.plain)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("generator", range(4))
def test_generator_functions_are_refused(way: str, generator: int) -> None:
    with pytest.raises(TypeError, match=r"is a generator function.* must not contain yield") as caught:
        ways(Server())[way](Generators().all[generator])
    # a middleware cannot emit, because its client is not connected yet
    assert ("socket.emit" in str(caught.value)) == (way not in ("use", "namespace.use"))


def test_generator_functions_are_refused_by_engines_and_as_hooks() -> None:
    io, eio = Server(), EngineServer()
    generators = Generators()
    for register in (eio.on("connection"), eio.on("message"), eio.on("headers"), io.on_error):
        for generator in generators.all:
            with pytest.raises(TypeError, match="is a generator function"):
                register(generator)


def test_decorators_without_parentheses_are_refused() -> None:
    io, eio = Server(), EngineServer()

    def say(socket: Socket) -> None: ...

    for decorate in (io.on, io.once, io.of("/ok").on, eio.on):
        with pytest.raises(TypeError, match=r'the name of the event is missing: write \.on\("say"\)'):
            decorate(say)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [None, b"ev", ("a", "b"), True])
def test_names_that_are_neither_text_nor_number_are_refused(name: Any) -> None:
    with pytest.raises(TypeError, match="the name of an event must be a str or a number, not"):
        Server().on(name, lambda socket: None)


class Form(TypedDict):
    name: str


class Book(msgspec.Struct):
    title: str


class HasId(Protocol):
    id: str


AnySocket = TypeVar("AnySocket", bound=Socket)
Named = NewType("Named", Socket)


class MySocket(Socket):
    __slots__ = ()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "annotation",
    [str, int, dict, dict[str, Any], Form, Book, EngineSocket, None, str | None, "Book", Annotated[str, 1]],
)
def test_first_parameter_that_is_no_socket_is_refused(way: str, annotation: Any) -> None:
    def handler(first: Any) -> None: ...

    handler.__annotations__["first"] = annotation
    with pytest.raises(TypeError, match=r"first parameter of .*handler is the socket.*\(socket: Socket, …\)"):
        ways(Server())[way](handler)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("annotation", [
    Socket, Any, object, HasId, AnySocket, Named, MySocket, Socket | None, "Socket", "Unresolved", "Unresolved | None",
    "no code", Annotated[Socket, 1], collections.abc.Hashable, Socket.__base__, "Socket | EngineSocket",
])  # fmt: skip
def test_first_parameter_that_may_be_a_socket_is_accepted(way: str, annotation: Any) -> None:
    def handler(first: Any) -> None: ...

    handler.__annotations__["first"] = annotation
    ways(Server())[way](handler)


def test_first_parameter_of_an_engines_handler_is_an_engine_socket() -> None:
    eio = EngineServer()

    def message(socket: Socket, data: str) -> None: ...

    with pytest.raises(TypeError, match=r"\(socket: EngineSocket, …\)"):
        eio.on("message", message)
    with pytest.raises(TypeError, match="has no parameter for the message"):
        eio.on("message", lambda socket: None)


class Database:
    pass


async def with_database(database: Database, socket: Socket, number: int) -> None: ...


class Bound:
    async def handle(self, database: Database, socket: Socket, number: int) -> None: ...


@pytest.mark.parametrize("function", [with_database, Bound().handle], ids=["function", "method"])
def test_partials_have_the_annotations_of_what_they_call(function: Any) -> None:
    """This module's annotations are texts, which are resolved where the function was written."""
    for handler in (partial(function, Database()), partial(partial(function), Database())):
        Server().on("ev", handler)
        with pytest.raises(TypeError, match="is annotated as Socket: write"):
            EngineServer().on("message", handler)
    with pytest.raises(TypeError, match="is annotated as Database: write"):
        Server().on("ev", partial(function))


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (str | None, r"str \| None"),
        (Annotated[EngineSocket, 1], r"Annotated\[.*EngineSocket, 1\]"),
        (list[Socket], r"list\[.*Socket\]"),
        (None, "None"),
        (EngineSocket, "EngineSocket"),
    ],
)
def test_annotation_that_is_refused_is_named_as_it_was_written(annotation: Any, name: str) -> None:
    def handler(socket: Any) -> None: ...

    handler.__annotations__["socket"] = annotation
    with pytest.raises(TypeError, match=rf"socket is annotated as (typing\.)?{name}: write"):
        Server().on("ev", handler)
