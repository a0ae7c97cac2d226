"""The page of the example with FastAPI, in a real browser: logging in, messages, and news from an endpoint."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import trio
from support.web_examples import program

from tools import npm_install, require_tool

PACKAGES = {"playwright-core": "1.65.1", "socket.io-client": "4.8.3"}


@pytest.mark.browser
@pytest.mark.rows("K8")
async def test_page_logs_in_and_shows_messages_and_news(tmp_path: Path) -> None:
    node = require_tool("node", debian="nodejs")
    chromium = require_tool("chromium", "chromium-browser", debian="chromium")
    modules = await trio.to_thread.run_sync(npm_install, "browser", PACKAGES) / "node_modules"
    bundle = modules / "socket.io-client" / "dist" / "socket.io.min.js"
    driver = Path(__file__).with_name("fastapi_page.cjs")
    with program("fastapi") as (url, _):
        done = await trio.run_process(
            [node, str(driver), f"{url}/", chromium, str(bundle), str(tmp_path / "page.png")],
            env={**os.environ, "NODE_PATH": str(modules)},
            capture_stderr=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr.decode()
