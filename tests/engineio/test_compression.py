"""The fields of the compression options."""

from __future__ import annotations

from typing import Any

import pytest

from trio_socketio.engineio import HttpCompression, PerMessageDeflate


@pytest.mark.rows("C32")
def test_window_of_8_bits_is_refused_with_a_reason() -> None:
    with pytest.raises(ValueError, match=r"window_bits must be from 9 to 15, not 8"):
        PerMessageDeflate(window_bits=8)


@pytest.mark.parametrize("kind", [HttpCompression, PerMessageDeflate])
def test_level_of_compression_must_be_a_whole_number(kind: Any) -> None:
    with pytest.raises(TypeError, match=r"level must be a whole number, not 1\.5"):
        kind(level=1.5)
