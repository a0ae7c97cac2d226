"""Fixtures for what is compiled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.reactor import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A reactor without connections."""
    bench = Bench()
    yield bench
    bench.close()
