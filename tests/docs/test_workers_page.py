"""The page about workers: its program runs, and its command is that of the command line."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.worker_programs import APP, needs_linux

from trio_socketio.__main__ import main

pytestmark = pytest.mark.programs

PAGE = (Path(__file__).parents[2] / "docs" / "workers.md").read_text("utf-8")


@needs_linux
def test_program_serves_until_sigterm(tmp_path: Path) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "program.py").write_text(code.replace("3000", "0").replace("workers=4", "workers=2"))
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "program.py")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"Listening on http://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == b""
        assert process.wait(60) == 0


def test_command_has_the_named_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    said = capsys.readouterr().out
    for option in set(re.findall(r"--[a-z][a-z-]+", PAGE)):
        assert option in said
