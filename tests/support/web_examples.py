"""The examples with web frameworks, as programs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tools import ROOT

__all__ = ["program"]

URL = re.compile(r"(Socket\.IO|unning|istening) on (http://127\.0\.0\.1:\d+)")


@contextmanager
def program(name: str, *, is_guest: bool = False) -> Iterator[tuple[str, str]]:
    """``with program(name) as (url, socketio_url):`` an example that runs. Ctrl-C ends it without a traceback."""
    command = [sys.executable, "-u", str(ROOT / "examples" / name / "server.py")]
    environment = {**os.environ, "PORT": "0", "SOCKETIO_PORT": "0"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            urls, said = dict[str, str](), ""
            while len(urls) < 1 + is_guest:
                line = process.stdout.readline()
                said += line
                assert line, said
                if found := URL.search(line):
                    urls["socketio" if found[1] == "Socket.IO" else "web"] = found[2]
            yield urls["web"], urls.get("socketio", urls["web"])
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=30)
            assert "ERROR" not in rest
        finally:
            process.kill()
