"""Messages that were recorded from Node's packages: the Markdown vectors of the Redis formats.

A vector is a heading of the third level, prose, and two blocks. A line of the first is what a message is, then JSON or
hexadecimal digits. A line of the second is what it means.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

from trio_socketio.adapters.cluster import Envelope

__all__ = ["Recorded", "Vector", "recorded", "shown"]

HERE = Path(__file__).parent.parent / "spec"


class Recorded(NamedTuple):
    """A recorded message, and what it is."""

    kind: str
    payload: bytes


@dataclass(frozen=True)
class Vector:
    name: str
    lines: list[Recorded]
    expect: list[str]


def recorded(file: str) -> list[Vector]:
    """Return the vectors of a file."""
    found = []
    for section in re.split(r"^### ", (HERE / file).read_text("utf-8"), flags=re.MULTILINE)[1:]:
        blocks = dict(re.findall(r"^```(input|expect)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))
        lines = [_line(line) for line in blocks["input"].splitlines()]
        found.append(Vector(section.partition("\n")[0], lines, blocks["expect"].splitlines()))
    return found


def _line(line: str) -> Recorded:
    kind, _, rest = line.partition(" ")
    return Recorded(kind, rest.encode() if rest.startswith(("{", "[")) else bytes.fromhex(rest))


def shown(message: Envelope | str) -> str:
    """Return a line for what a message means. Binary is shown as base64."""
    if isinstance(message, str):
        return message
    data = json.dumps(msgspec.to_builtins(message.data, order="deterministic"), ensure_ascii=False)
    return f"{message.type.name} {message.nsp} {message.uid or '-'} {data}"
