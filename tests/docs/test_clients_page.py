"""The page about clients says what the tests with clients are made of."""

from __future__ import annotations

import runpy
from typing import Any

import pytest
from browser.chromium import PACKAGES as BUNDLED
from clients.combinations import (
    ALL,
    BUNDLES,
    CLIENTS,
    ENGINE_RELEASES,
    ENGINES,
    IN_CHROMIUM,
    LACKS,
    LACKS_ON,
    RELEASES,
)
from clients.harness import ENGINE_PACKAGES, PACKAGES, PYTHON_PACKAGES

from tools import ROOT


@pytest.fixture
def matrix() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "matrix.py"))


def test_the_page_is_what_the_tests_are_parametrised_with(matrix: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "clients.md").read_text("utf-8")
    assert page == matrix["written"](page), "run python tools/matrix.py"
    for release in CLIENTS.values():
        assert release in page


def test_everything_that_a_client_lacks_has_a_name_for_readers(matrix: dict[str, Any]) -> None:
    assert set(matrix["NAMES"]) == {*LACKS, *(need for need, _ in LACKS_ON)} - {"upgrade"}
    for need, who in LACKS.items():
        assert who.keys() < CLIENTS.keys(), need


def test_the_releases_are_those_that_are_installed() -> None:
    packages = {name.removeprefix("socket.io-client-"): package for name, package in PACKAGES.items()}
    for version, release in RELEASES.items():
        name, number = release.split()
        installed = PYTHON_PACKAGES[version][0] if name == "python-socketio" else packages[version]
        assert installed in (f"npm:{name}@{number}", f"{name}[client]=={number}")
    for version, release in ENGINE_RELEASES.items():
        installed = ENGINE_PACKAGES[version.replace(" ", ".io-client-")]
        assert installed == "npm:" + release.replace(" ", "@")
    for version, release in BUNDLES.items():
        assert BUNDLED[f"socket.io-client-{version}"] == "npm:" + release.replace(" ", "@")


def test_every_client_is_tested_over_every_transport() -> None:
    assert len(set(ALL)) == len(ALL) == len(RELEASES) * 3
    assert len(set(ENGINES)) == len(ENGINES) == len(ENGINE_RELEASES) * 3
    assert len(set(IN_CHROMIUM)) == len(IN_CHROMIUM) == len(BUNDLES) * 3 + 3
