"""The package without the extra for Redis."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.programs

PROGRAM = """
import sys
sys.modules["hiredis"] = None
from trio_socketio.adapters import Emitter, RedisAdapter, RedisShardedAdapter, RedisStreamsAdapter

class Client:
    def publish(self, channel, message):
        return 1

assert Emitter(Client()).emit("ev") == 1
try:
    {name}("redis://localhost")
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["RedisAdapter", "RedisShardedAdapter", "RedisStreamsAdapter"])
def test_adapter_names_the_missing_extra_and_emitters_do_not_need_it(name: str) -> None:
    program = PROGRAM.format(name=name)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert "pip install 'trio-socketio[redis]'" in done.stdout
