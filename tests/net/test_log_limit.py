"""The limit for messages in the log: so many different ones in an interval, each of them once."""

from __future__ import annotations

from trio_socketio.net._log_limit import LogLimit


def test_limit_is_for_each_key_in_each_interval() -> None:
    limit = LogLimit(60.0, 2)
    assert [limit.allows(key, 0.0) for key in "aabbcab"] == [True, False, True, False, False, False, False]
    assert limit.allows("c", 59.9) is False
    assert [limit.allows(key, 60.0) for key in "cabc"] == [True, True, False, False]
    assert limit.allows("b", 120.0) is True


def test_limit_keeps_no_more_keys_than_it_allows() -> None:
    limit = LogLimit(60.0, 3)
    for number in range(1000):
        limit.allows(str(number), number * 10.0)
        assert len(limit) <= 3
