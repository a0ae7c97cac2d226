"""The options of ``serve_workers``."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from trio_socketio import serve_workers
from trio_socketio.workers._options import split_target

GOOD: dict[str, Any] = {"target": "app:io", "host": "127.0.0.1", "port": 0, "workers": 2}


@pytest.mark.skipif(sys.platform != "linux", reason="the refusal of other systems comes first")
@pytest.mark.parametrize(
    ("changed", "error", "text"),
    [
        ({"target": "app"}, ValueError, "such as 'app:io', not 'app'"),
        ({"target": "app:"}, ValueError, "such as 'app:io'"),
        ({"target": "my app:io"}, ValueError, "such as 'app:io'"),
        ({"target": 5}, TypeError, "must be text"),
        ({"workers": 0}, ValueError, "workers must be at least 1"),
        ({"workers": 129}, ValueError, "workers must be at most 128"),
        ({"workers": 1.5}, TypeError, "workers"),
        ({"workers": True}, TypeError, "workers"),
        ({"port": "3000"}, TypeError, "port must be a whole number"),
        ({"port": 65536}, ValueError, "from 0 to 65535"),
        ({"port": -1}, ValueError, "from 0 to 65535"),
        ({"start_timeout": 0}, ValueError, "start_timeout"),
        ({"drain_timeout": float("inf")}, ValueError, "drain_timeout"),
        ({"certificate": "cert.pem"}, ValueError, "both a certificate and a key"),
        ({"key": "key.pem"}, ValueError, "both a certificate and a key"),
    ],
)
def test_wrong_option_is_refused(changed: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        serve_workers(**{**GOOD, **changed})


def test_split_target_takes_dotted_modules_and_attributes() -> None:
    assert split_target("my.package.app:factory.io") == ("my.package.app", "factory.io")


def test_other_systems_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ValueError, match="workers need Linux"):
        serve_workers(**GOOD)
