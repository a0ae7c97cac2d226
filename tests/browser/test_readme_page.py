"""The README's server and page, as they stand there, in a real browser."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import trio
from docs.test_docs import ROOT, blocks

from tools import npm_install, require_tool
from trio_socketio import Server

PACKAGES = {"playwright-core": "1.65.1", "socket.io-client": "4.8.3"}


@pytest.mark.browser
async def test_readme_page(nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    node = require_tool("node", debian="nodejs")
    chromium = require_tool("chromium", "chromium-browser", debian="chromium")
    modules = await trio.to_thread.run_sync(npm_install, "browser", PACKAGES) / "node_modules"
    (tmp_path / "page.html").write_text(blocks(ROOT / "README.md", "html")[0], "utf-8")
    monkeypatch.chdir(tmp_path)
    variables: dict[str, Any] = {}
    with monkeypatch.context() as patch:
        patch.setattr(Server, "run", lambda *args: None)
        exec(compile(blocks(ROOT / "README.md", "python")[0], "README.md", "exec"), variables)
    listeners = await nursery.start(variables["io"].serve, "127.0.0.1", 0)
    port = listeners[0].socket.getsockname()[1]
    driver = Path(__file__).with_name("readme_page.cjs")
    bundle = modules / "socket.io-client" / "dist" / "socket.io.min.js"
    done = await trio.run_process(
        [node, str(driver), f"http://127.0.0.1:{port}/", chromium, str(bundle)],
        env={**os.environ, "NODE_PATH": str(modules)},
        capture_stderr=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    nursery.cancel_scope.cancel()
