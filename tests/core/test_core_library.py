"""The modules share one C library, so what exists once in csrc exists once in the process."""

import ctypes
import importlib
import pkgutil

import pytest

from trio_socketio import _core

#: what is no module, or calls nothing in csrc
WITHOUT_C = {
    *("_callbacks", "_collector", "_copies", "_event_queue", "_event_writer", "_fast_call"),
    *("_outgoing", "_resp", "_subscription", "_types", "_walk", "libtsio"),
}

MODULES = sorted({module.name for module in pkgutil.iter_modules(_core.__path__)} - WITHOUT_C)


def address_of(module: str, symbol: str) -> int:
    """Where the symbol is, as this module sees it."""
    path = importlib.import_module(f"trio_socketio._core.{module}").__file__
    return ctypes.addressof(ctypes.c_char.in_dll(ctypes.CDLL(path), symbol))


@pytest.mark.rows("P16")
@pytest.mark.parametrize("symbol", ["tsio_alloc", "tsio_broadcast_init"])
def test_library_state_is_the_same_for_every_module(symbol: str) -> None:
    assert len(MODULES) >= 7
    assert len({address_of(module, symbol) for module in MODULES}) == 1
