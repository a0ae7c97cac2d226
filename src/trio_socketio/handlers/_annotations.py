"""Resolves annotations of handlers, and finds those that no argument can ever match."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Annotated, Any, Union, get_args, get_origin, is_typeddict

from msgspec import inspect as msgspec_types

__all__ = ["excludes", "resolve", "undecodable"]

#: The types of the values in decoded packets.
_PLAIN = (str, int, float, bool, list, dict, bytes, type(None))


def _nonlocals(function: types.FunctionType) -> dict[str, Any]:
    """Return the variables of the enclosing functions, without those that have no value yet."""
    variables = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):
            variables[name] = cell.cell_contents
    return variables


def resolve(function: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """Return the annotation of a function's parameter; evaluate it if it is a string.

    Raises:
        TypeError: the annotation cannot be resolved.
    """
    annotation = parameter.annotation
    if not isinstance(annotation, str):
        return annotation
    if not inspect.isfunction(function):
        raise TypeError(
            f"the annotation {annotation!r} of {parameter.name} cannot be resolved: it belongs to no function"
        )
    try:
        return eval(annotation, function.__globals__, _nonlocals(function))
    except NameError as error:
        raise TypeError(
            f"the annotation {annotation!r} of {function.__qualname__}({parameter.name}) cannot be resolved: {error}"
        ) from None


# annotations of the parameter for the socket


def excludes(annotation: Any, socket_type: type) -> bool:
    """Return whether no object can match both ``socket_type`` and the annotation. False if this cannot be decided."""
    annotation = _bare(annotation)
    if annotation is Any or annotation is inspect.Parameter.empty:
        return False
    if get_origin(annotation) in (Union, types.UnionType):
        return all(excludes(part, socket_type) for part in get_args(annotation))
    kind = type(None) if annotation is None else get_origin(annotation) or annotation
    if not isinstance(kind, type) or getattr(kind, "_is_protocol", False):
        return False
    if is_typeddict(kind):
        return True
    try:
        return not (issubclass(socket_type, kind) or issubclass(kind, socket_type))
    except TypeError:
        return False


def _bare(annotation: Any) -> Any:
    """Replace ``Annotated``, ``NewType`` and type aliases by the type they stand for."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = annotation.__origin__
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        else:
            return annotation


# annotations of parameters for an event's arguments


def undecodable(annotation: Any) -> type | None:
    """Find a class in an annotation that msgspec cannot decode any value to; return None if there is none."""
    if annotation in _PLAIN or annotation is Any:
        return None
    try:
        return _known_undecodable(annotation)
    except TypeError:  # not hashable, or not a type: the error of msgspec explains this better
        return None


@lru_cache(maxsize=256)
def _known_undecodable(annotation: Any) -> type | None:
    try:
        described = msgspec_types.type_info(annotation)
    except NameError:  # names in it may be defined later
        return None
    return next(_custom_types(described, set()), None)


def _custom_types(described: msgspec_types.Type, seen: set[int]) -> Iterator[type]:
    if id(described) in seen:
        return
    seen.add(id(described))
    if isinstance(described, msgspec_types.CustomType):
        if not _is_plain(described.cls):
            yield described.cls
        return
    for part in _parts(described):
        yield from _custom_types(part, seen)


def _parts(described: msgspec_types.Type) -> Iterator[msgspec_types.Type]:
    """Yield the types that a type contains, without those of optional fields."""
    for name in ("item_type", "key_type", "value_type"):
        part = getattr(described, name, None)
        if isinstance(part, msgspec_types.Type):
            yield part
    yield from getattr(described, "item_types", ())
    yield from getattr(described, "types", ())
    for field in getattr(described, "fields", ()):
        if field.required:
            yield field.type


def _is_plain(cls: type) -> bool:
    """Return whether decoded values can be instances of this class, as of the abstract ``collections.abc.Iterable``."""
    try:
        return any(issubclass(plain, cls) for plain in _PLAIN[:-1])
    except TypeError:
        return True
