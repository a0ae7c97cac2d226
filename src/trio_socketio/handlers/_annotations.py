"""Annotations of handlers: what they resolve to, and what they can never mean."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Annotated, Any, Union, get_args, get_origin, is_typeddict

from msgspec import inspect as msgspec_types

__all__ = ["excludes", "resolve", "undecodable"]

#: What decoded packets consist of.
_PLAIN = (str, int, float, bool, list, dict, bytes, type(None))


def _nonlocals(function: types.FunctionType) -> dict[str, Any]:
    """The variables of the functions around it, but for those that have no value yet."""
    variables = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):
            variables[name] = cell.cell_contents
    return variables


def resolve(function: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """The annotation of a function's parameter, evaluated if it is text.

    Raises:
        TypeError: it cannot be resolved.
    """
    annotation = parameter.annotation
    if not isinstance(annotation, str):
        return annotation
    if not inspect.isfunction(function):
        raise TypeError(
            f"the annotation {annotation!r} of {parameter.name} cannot be resolved: no function has it"
        )
    try:
        return eval(annotation, function.__globals__, _nonlocals(function))
    except NameError as error:
        raise TypeError(
            f"the annotation {annotation!r} of {function.__qualname__}({parameter.name}) cannot be resolved: {error}"
        ) from None


# of the parameter for the socket


def excludes(annotation: Any, socket_type: type) -> bool:
    """Whether nothing of ``socket_type`` is what the annotation says, as far as that can be told."""
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
    """What ``Annotated``, ``NewType`` and aliases stand for."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = annotation.__origin__
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        else:
            return annotation


# of parameters for an event's arguments


def undecodable(annotation: Any) -> type | None:
    """A class in an annotation that nothing msgspec decodes is of; None if there is none."""
    if annotation in _PLAIN or annotation is Any:
        return None
    try:
        return _known_undecodable(annotation)
    except TypeError:  # it cannot be hashed, or is no type: what msgspec says of that is more
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
    """The types inside of a type without which no value of it can be made."""
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
    """Whether something decoded may be of this class: an abstract one, such as ``collections.abc.Iterable``."""
    try:
        return any(issubclass(plain, cls) for plain in _PLAIN[:-1])
    except TypeError:
        return True
