"""Negotiation of permessage-deflate and of subprotocols in the opening handshake."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_socketio.engineio._extensions import choose_subprotocol, negotiate

ANSWER = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


@pytest.mark.parametrize(
    "offers",
    [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",  # Chromium, and ws in Node
        "permessage-deflate;client_max_window_bits=8",
        'permessage-deflate; client_max_window_bits = "15" ; client_no_context_takeover',
        " permessage-deflate\t;\tserver_no_context_takeover ; client_no_context_takeover",
        "x-webkit-deflate-frame, permessage-deflate",
        'other; text="a, permessage-deflate; b=\'", permessage-deflate',
        "permessage-deflate; unknown, permessage-deflate; client_max_window_bits",
        ",, permessage-deflate,",
    ],
)
@pytest.mark.parametrize("window_bits", [9, 15])
def test_offer_without_server_limit_is_accepted(offers: str, window_bits: int) -> None:
    assert negotiate(offers, window_bits) == ANSWER


@pytest.mark.parametrize(
    ("offers", "window_bits", "answered"),
    [
        ("permessage-deflate; server_max_window_bits=15", 15, 15),
        ('permessage-deflate; server_max_window_bits="15"', 15, 15),
        ("permessage-deflate; server_max_window_bits=15", 10, 10),
        ("permessage-deflate; server_max_window_bits=10", 10, 10),
        (
            "permessage-deflate; server_max_window_bits=9, permessage-deflate; server_max_window_bits=12",
            10,
            10,
        ),
    ],
)
def test_accepted_window_limit_is_in_the_answer(offers: str, window_bits: int, answered: int) -> None:
    assert negotiate(offers, window_bits) == f"{ANSWER}; server_max_window_bits={answered}"


@pytest.mark.parametrize("window_bits", [10, 15])
def test_offer_with_a_smaller_window_is_declined(window_bits: int) -> None:
    offer = f"permessage-deflate; server_max_window_bits={window_bits - 1}"
    assert negotiate(offer, window_bits) is None
    assert negotiate(f"{offer}, permessage-deflate", window_bits) == ANSWER


@pytest.mark.parametrize(
    "offer",
    [
        "",
        " ",
        "deflate",
        "permessage-deflate2",
        "Permessage-Deflate; =",
        "permessage-deflate;",
        "permessage-deflate; unknown",
        "permessage-deflate; constructor",
        "permessage-deflate; __proto__=1",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover=",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=015",
        "permessage-deflate; server_max_window_bits=+15",
        "permessage-deflate; server_max_window_bits=1_5",
        "permessage-deflate; server_max_window_bits=\u0661\u0665",
        "permessage-deflate; server_max_window_bits=15\n",
        "permessage-deflate; server_max_window_bits=15; server_max_window_bits=15",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=99999999999999999999",
        'permessage-deflate; server_max_window_bits="1"5',
        'permessage-deflate; server_max"_window_bits"=15',
        'permessage-deflate; server_max_window_bits="',
        'permessage-deflate; server_max_window_bits=" 15"',
        '"permessage-deflate"',
        'x="permessage-deflate", "permessage-deflate"',
        'x="a, permessage-deflate, b"',
        'x="a\\", permessage-deflate, \\"b"',
        '", permessage-deflate',
    ],
)
def test_malformed_or_unknown_offer_is_declined(offer: str) -> None:
    assert negotiate(offer, 15) is None


@given(st.text('permessage-deflate; ,="\\server_max_window_bits15\t'))
def test_any_header_is_accepted_or_declined_without_an_error(offers: str) -> None:
    answer = negotiate(offers, 15)
    assert answer is None or answer.startswith(ANSWER)


@pytest.mark.parametrize(
    "element",
    ["permessage-deflate; server_max_window_bits=8", "permessage-deflate" + "; a" * 1300, '"', 'a="', ' "a" ', " ",
     ";", "permessage-deflate; client_max_window_bits" + "=" * 4000],
)  # fmt: skip
def test_negotiating_takes_linear_time(element: str) -> None:
    offers = (element + ",") * max(60, 240_000 // (len(element) + 1))
    began = time.perf_counter()
    assert negotiate(offers, 15) is None
    assert time.perf_counter() - began < 1.0  # a tenth of that where nothing else runs


@pytest.mark.parametrize(
    ("asked", "ours", "chosen"),
    [
        ("chat", ["chat"], "chat"),
        ("superchat , chat", ["chat", "superchat"], "superchat"),  # their order
        ("a,\tb", ["b"], "b"),
        ("a, b", ["c"], None),
        ("a", [], None),
        ("Chat", ["chat"], None),
        ("", ["chat"], None),
        ("cha, hat", ["chat"], None),
        ("chat\n", ["chat"], None),
    ],
)
def test_first_supported_subprotocol_of_the_client_is_chosen(
    asked: str, ours: list[str], chosen: str | None
) -> None:
    assert choose_subprotocol(asked, ours) == chosen


@pytest.mark.parametrize("asked", [" " * 200_000, " ," * 100_000, "a" + " " * 200_000 + "b", "a," * 100_000])
def test_choosing_takes_linear_time(asked: str) -> None:
    began = time.perf_counter()
    assert choose_subprotocol(asked, ["chat"]) is None
    assert time.perf_counter() - began < 1.0
