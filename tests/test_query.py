"""Query parameters, with and without escapes."""

from __future__ import annotations

import pytest

from trio_socketio._query import parse_query


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("", {}),
        ("EIO=4&transport=polling", {"EIO": "4", "transport": "polling"}),
        ("&a=1&&b", {"a": "1", "b": ""}),
        ("a=1&a=2", {"a": "2"}),
        ("a=b=c", {"a": "b=c"}),
        ("a%20b=%C3%A9+x&a%20b=y", {"a b": "y"}),
        ("a=&b=%ff", {"a": "", "b": "\N{REPLACEMENT CHARACTER}"}),
    ],
)
def test_a_query_becomes_a_dictionary(query: str, parameters: dict[str, str]) -> None:
    assert parse_query(query) == parameters
