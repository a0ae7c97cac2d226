"""A handler is called directly if the arguments fit; otherwise they are converted first."""

from __future__ import annotations

import pytest

from trio_socketio._core import FastCall


class Case(FastCall):
    """A handler whose result shows how it was called."""

    def __init__(self, *types, takes_socket=False):
        self.function = lambda *args: ("direct", args)
        self.expect(takes_socket, types)

    def call_converted(self, socket, args, ack):
        return ("converted", socket, args, ack)


class Number(int):
    """A subclass of ``int``, which is not the exact type ``int``."""

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
def test_arguments_of_the_exact_types_are_passed_unchanged(types, args):
    assert Case(*types).call("socket", args, "ack") == ("direct", tuple(args))
    assert Case(*types, takes_socket=True).call("socket", args, "ack") == ("direct", ("socket", *args))


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
def test_other_arguments_are_converted_first(types, args):
    assert Case(*types, takes_socket=True).call("socket", args, "ack") == ("converted", "socket", args, "ack")


def test_without_types_all_arguments_are_converted_first():
    case = Case()
    case.expect(True, None)
    assert case.call("socket", [], "ack") == ("converted", "socket", [], "ack")


def test_slow_call_is_reported_even_if_it_fails():
    reports = []
    case = Case()
    assert case.call_apart("socket", [], "ack", 1e9, lambda *args: reports.append(args)) == ("direct", ())
    assert not reports
    case.function = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        case.call_apart("socket", [], "ack", -1.0, lambda *args: reports.append(args))
    ((caller, seconds),) = reports
    assert caller is case
    assert seconds >= 0


def test_wrong_types_of_types_and_limit_raise():
    with pytest.raises(TypeError):
        Case().expect(True, [])
    with pytest.raises(TypeError):
        Case().call_apart("socket", [], "ack", "soon", print)
