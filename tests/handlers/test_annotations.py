"""Annotations that msgspec cannot decode are refused at registration."""

from __future__ import annotations

import collections.abc
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, SupportsInt, TypeVar

import msgspec
import pytest

from trio_socketio import Ack, EngineServer, EngineSocket, Server, Socket
from trio_socketio.handlers import HandlerTable

pytestmark = pytest.mark.rows("P33")

T = TypeVar("T")


class Custom:
    pass


class Unchecked(Protocol):
    name: str


@dataclass
class Needs:
    custom: Custom


class May(msgspec.Struct):
    number: int = 0
    custom: Custom | None = None


class Tree(msgspec.Struct):
    children: list[Tree]
    name: str = ""


def registered(annotation: Any, io: Server | None = None) -> None:
    def handler(socket: Socket, value: Any) -> None: ...

    handler.__annotations__["value"] = annotation
    (io or Server()).on("ev", handler)


@pytest.mark.parametrize("annotation", [
    Custom, "Custom", Custom | None, list[Custom], dict[str, Custom], tuple[int, Custom], Needs, list[Needs], Path,
    complex, Socket, EngineSocket, Server, type[int], collections.abc.Callable[[], None], logging.Logger,
])  # fmt: skip
def test_annotation_that_cannot_be_decoded_is_refused_with_the_remedy(annotation: Any) -> None:
    with pytest.raises(
        TypeError, match=r"of value cannot be used, because msgspec cannot decode to .* keyword-only"
    ):
        registered(annotation)


@pytest.mark.parametrize("annotation", [Custom | int, Unchecked, bytes | str])
def test_annotation_that_msgspec_refuses_is_refused(annotation: Any) -> None:
    with pytest.raises(TypeError, match="of value cannot be used"):
        registered(annotation)


@pytest.mark.parametrize("annotation", [Ack | None, list[Ack]])
def test_ack_is_not_decoded(annotation: Any) -> None:
    with pytest.raises(TypeError, match=r"write value: Ack$"):
        registered(annotation)


@pytest.mark.parametrize("annotation", [
    Any, object, T, int, bytes, bytes | None, bytearray, memoryview, msgspec.Raw, list[Any], May, Tree, "Tree",
    SupportsInt, collections.abc.Iterable[int], collections.abc.Sequence[int], collections.abc.Hashable,
    Ack, int | str | None,
])  # fmt: skip
def test_annotation_that_can_be_decoded_is_accepted(annotation: Any) -> None:
    registered(annotation)


def test_annotations_are_checked_for_handlers_of_one_socket() -> None:
    def handler(socket: Socket, value: int) -> None: ...

    with pytest.raises(TypeError, match=r"with the socket, unless socket\.on registers it"):
        HandlerTable(takes_socket=False).add("ev", handler, once=False)


def test_annotations_are_checked_for_messages_of_an_engine() -> None:
    def handler(socket: EngineSocket, data: Custom) -> None: ...

    with pytest.raises(TypeError, match="msgspec cannot decode to Custom"):
        EngineServer().on("message", handler)


async def test_keyword_only_parameter_with_default_may_have_any_type(running: Any) -> None:
    io = Server()

    @io.on("ask")
    def ask(socket: Socket, value: int, *, custom: Custom | None = None) -> int:
        return value

    async with running(io) as net:
        assert await (await net.connect()).call("ask", 1) == [1]


def test_annotation_that_is_no_type_is_refused_at_registration() -> None:
    def handler(socket: Socket, number: int) -> None: ...

    handler.__annotations__["number"] = 5
    with pytest.raises(TypeError, match="the annotation 5 of number cannot be used"):
        Server().on("ev", handler)
