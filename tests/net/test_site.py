"""What a server answers outside the engine, without a connection."""

from __future__ import annotations

from pathlib import Path

import pytest

from trio_socketio.engineio import EngineRequest
from trio_socketio.net import Files, Health
from trio_socketio.net._site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "page.html").write_text("hello")
    files = Files("/socket.io/", None, {"/page": tmp_path / "page.html"})
    return Site(("/socket.io/", "/socket.io"), files, "/health", lambda: Health("draining", 2, 1.5))


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/page", 200, b"hello"),
        ("/page?a=b", 200, b"hello"),
        ("/health", 503, b'{"status": "draining", "clients_count": 2, "uptime": 1.5}'),
    ],
)
def test_a_request_outside_the_engine_is_answered(site: Site, path: str, status: int, body: bytes) -> None:
    request = EngineRequest("GET", path, {})
    assert not site.is_for_engine(request)
    response = site.respond_outside_engine(request)
    assert response is not None
    assert (response.status, response.body) == (status, body)


def test_the_site_has_no_other_paths(site: Site) -> None:
    assert site.respond_outside_engine(EngineRequest("GET", "/other", {})) is None


@pytest.mark.parametrize("path", ["/socket.io/", "/socket.io", "/socket.io/?EIO=4"])
def test_the_paths_of_the_engine_are_its_own(site: Site, path: str) -> None:
    assert site.is_for_engine(EngineRequest("GET", path, {}))
