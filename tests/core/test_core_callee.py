"""What is called as it came, and what is left to be converted."""

from __future__ import annotations

import pytest

from trio_socketio._core import Callee


class Case(Callee):
    """Tells how it was called."""

    def __init__(self, *types, takes_socket=False):
        self.function = lambda *args: ("as it came", args)
        self.expect(takes_socket, types)

    def call_converted(self, socket, args, ack):
        return ("converted", socket, args, ack)


class Number(int):
    """Not an ``int`` by itself."""

    __slots__ = ()


@pytest.mark.parametrize(
    ("types", "args"),
    [
        ((), []),
        ((None,), [object]),
        ((str, None, int), ["a", None, 1]),
        ((bool,), [True]),
        ((None,) * 8, list(range(8))),
    ],
)
def test_arguments_of_the_very_types_are_passed_as_they_came(types, args):
    assert Case(*types).call("socket", args, "ack") == ("as it came", tuple(args))
    assert Case(*types, takes_socket=True).call("socket", args, "ack") == ("as it came", ("socket", *args))


@pytest.mark.parametrize(
    ("types", "args"),
    [
        ((), [1]),
        ((None,), []),
        ((str,), [1]),
        ((int,), [True]),
        ((int,), [Number(1)]),
        ((None, str), ["a", None]),
        ((None,) * 9, list(range(9))),
        ((None,), ("a",)),
        ((), None),
    ],
)
def test_the_rest_is_left_to_be_converted(types, args):
    assert Case(*types, takes_socket=True).call("socket", args, "ack") == ("converted", "socket", args, "ack")


def test_without_types_nothing_is_passed_as_it_came():
    case = Case()
    case.expect(True, None)
    assert case.call("socket", [], "ack") == ("converted", "socket", [], "ack")


def test_a_call_that_takes_too_long_is_told_even_if_it_fails():
    told = []
    case = Case()
    assert case.call_apart("socket", [], "ack", 1e9, lambda *args: told.append(args)) == ("as it came", ())
    assert not told
    case.function = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        case.call_apart("socket", [], "ack", -1.0, lambda *args: told.append(args))
    ((who, seconds),) = told
    assert who is case
    assert seconds >= 0


def test_arguments_of_the_wrong_kind_are_refused():
    with pytest.raises(TypeError):
        Case().expect(True, [])
    with pytest.raises(TypeError):
        Case().call_apart("socket", [], "ack", "soon", print)
