"""Session ids that name the worker that has the session."""

from __future__ import annotations

import os

import pytest

from trio_socketio.workers._session_ids import KEY_BYTES, InstanceNumbers, SessionIds

KEY = bytes(range(KEY_BYTES))


@pytest.mark.parametrize("instance", [0, 1, 127, 255])
def test_id_names_its_instance_to_all_workers_with_the_key(instance: int) -> None:
    made = [SessionIds(instance, KEY).make() for _ in range(100)]
    assert len(set(made)) == 100
    assert {len(sid) for sid in made} == {20}
    assert {SessionIds(3, KEY).read(sid) for sid in made} == {instance}


def test_instance_is_hidden_without_the_key() -> None:
    made = [SessionIds(1, KEY).make() for _ in range(1000)]
    read = {SessionIds(1, os.urandom(KEY_BYTES)).read(sid) for sid in made}
    assert len(read) > 100


@pytest.mark.parametrize(
    "sid", ["", "a", "a" * 19, "a" * 21, "a" * 19 + "=", "a" * 19 + "é", "+" * 20, "a" * 19 + "\n"]
)
def test_text_that_no_worker_makes_names_no_instance(sid: str) -> None:
    assert SessionIds(1, KEY).read(sid) is None


def test_bad_instance_or_key_is_refused() -> None:
    with pytest.raises(ValueError, match="below 256, unlike 256"):
        SessionIds(256, KEY)
    with pytest.raises(ValueError, match="32 bytes, not 31"):
        SessionIds(0, KEY[1:])


def test_instance_number_that_was_free_longest_is_used_next() -> None:
    numbers = InstanceNumbers()
    assert [numbers.take() for _ in range(256)] == list(range(256))
    with pytest.raises(ValueError, match="256 workers run at most"):
        numbers.take()
    numbers.release(7)
    numbers.release(3)
    assert [numbers.take(), numbers.take()] == [7, 3]
