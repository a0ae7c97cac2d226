"""The page about web frameworks shows parts of the examples, which have tests of their own."""

from __future__ import annotations

import pytest
from docs.test_docs import ROOT, blocks

PAGE = ROOT / "docs" / "web-frameworks.md"
EXAMPLES = {
    name: (ROOT / "examples" / name / "server.py").read_text("utf-8")
    for name in ("fastapi", "quart", "hypercorn", "uvicorn", "django")
}


@pytest.mark.parametrize("number", range(len(blocks(PAGE, "python"))))
def test_each_block_is_a_part_of_an_example(number: int) -> None:
    block = blocks(PAGE, "python")[number]
    assert any(block in source for source in EXAMPLES.values()), block


def test_each_example_is_linked() -> None:
    text = PAGE.read_text("utf-8")
    assert [name for name in EXAMPLES if f"../examples/{name}/server.py" not in text] == []
