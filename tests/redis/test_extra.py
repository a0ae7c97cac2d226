"""The package without the extra for Redis."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.programs

PROGRAM = """
import sys
sys.modules["{missing}"] = None
from trio_socketio.adapters import Emitter, RedisAdapter, RedisShardedAdapter, RedisStreamsAdapter

class Client:
    def publish(self, channel, message):
        return 1

assert Emitter(Client()).emit("ev") == 1
assert sys.modules.get("coredis") is None  # it is slow to import
try:
    {name}("{url}")
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("missing", "name", "url"),
    [
        ("hiredis", "RedisAdapter", "redis://localhost"),
        ("hiredis", "RedisShardedAdapter", "redis://localhost"),
        ("hiredis", "RedisStreamsAdapter", "redis://localhost"),
        ("coredis", "RedisAdapter", "redis+sentinel://localhost/main"),
    ],
)
def test_adapter_names_the_missing_extra_and_emitters_do_not_need_it(
    missing: str, name: str, url: str
) -> None:
    program = PROGRAM.format(missing=missing, name=name, url=url)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert "pip install 'trio-socketio[redis]'" in done.stdout
