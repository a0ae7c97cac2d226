"""Fixtures for tests behind a proxy: each such test runs once for each of them."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from clients.conftest import node, runners

from deployment.proxies import PROXIES, Proxy

__all__ = ["node", "runners"]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def trust(authority: trustme.CA) -> ssl.SSLContext:
    """What a client of the proxies trusts."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(params=PROXIES, ids=lambda proxy: proxy.name)
def proxy(request: pytest.FixtureRequest, tmp_path: Path, authority: trustme.CA) -> Proxy:
    """A proxy that does not run yet."""
    proxy: Proxy = request.param(tmp_path, authority)
    return proxy
