"""Pages in Chromium that have a client each, driven from Trio as the clients under Node are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clients.harness import Runner
from clients.server import make_server

from tools import npm_install, require_tool
from trio_socketio import Server

HERE = Path(__file__).parent
PACKAGES = {
    "playwright-core": "1.65.1",
    "socket.io-client-1.0": "npm:socket.io-client@1.0.6",
    "socket.io-client-1.2": "npm:socket.io-client@1.2.1",
    "socket.io-client-2": "npm:socket.io-client@2.5.0",
    "socket.io-client-4": "npm:socket.io-client@4.8.3",
}
#: What 1.0.6 and 1.2.1 name by an address outside of the registry; their bundles hold all that a page needs.
OVERRIDES = {
    "xmlhttprequest": "npm:xmlhttprequest-ssl@1.5.3",
    "emitter": "npm:component-emitter@1.1.2",
    "global": "2.0.1",
}
FILES = {"1.0": "socket.io.js", "1.2": "socket.io.js", "2": "dist/socket.io.js", "4": "dist/socket.io.min.js"}


def modules() -> Path:
    """The folder of the packages, installed."""
    return npm_install("bundles", PACKAGES, OVERRIDES) / "node_modules"


def open_chromium() -> Runner:
    """The process that has the browser; it starts with the first command."""
    node = require_tool("node", "nodejs", debian="nodejs")
    chromium = require_tool("chromium", "chromium-browser", debian="chromium")
    return Runner([node, str(HERE / "clients_page.cjs"), chromium], {"NODE_PATH": str(modules())})


def page_server(**options: Any) -> Server:
    """A server that has the pages, and the bundles for them."""
    bundles = {
        f"/bundles/{version}.js": modules() / f"socket.io-client-{version}" / file
        for version, file in FILES.items()
    }
    pages = {"/page": HERE / "clients_page.html", "/jsonp": HERE / "jsonp_page.html"}
    return make_server(jsonp=True, static_files={**pages, **bundles}, **options)
