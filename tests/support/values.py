"""Random values for property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

__all__ = ["json_values"]


def json_values() -> st.SearchStrategy[Any]:
    """Return values that JSON and MessagePack can hold, nested now and then."""
    leaves = (
        st.none()
        | st.booleans()
        | st.integers(-(2**40), 2**40)
        | st.floats(allow_nan=False)
        | st.text(max_size=5)
    )
    return st.recursive(
        leaves,
        lambda items: st.lists(items, max_size=4) | st.dictionaries(st.text(max_size=5), items, max_size=4),
        max_leaves=10,
    )
