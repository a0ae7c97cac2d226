"""The URLs of Redis servers: the accepted forms, and the sentences for all others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_socketio.adapters.redis._url import Credentials, Deployment, parse_url


@pytest.mark.rows("I10")
@pytest.mark.parametrize(
    ("url", "addresses", "tls"),
    [
        ("redis://localhost", (("localhost", 6379),), False),
        ("valkey://localhost:7000/", (("localhost", 7000),), False),
        ("rediss://[::1]:7000", (("::1", 7000),), True),
        ("valkeys://[fe80::2]", (("fe80::2", 6379),), True),
        ("REDIS://localhost", (("localhost", 6379),), False),
        ("unix:///run/my%20redis.sock", ("/run/my redis.sock",), False),
        ("redis+cluster://a,b:7001", (("a", 6379), ("b", 7001)), False),
        ("rediss+sentinel://a,b:7001/main", (("a", 26379), ("b", 7001)), True),
    ],
)
def test_url_gives_addresses_and_tls(url: str, addresses: tuple[object, ...], tls: bool) -> None:
    parsed = parse_url(url)
    assert (parsed.addresses, parsed.tls) == (addresses, tls)


def test_user_and_password_are_percent_decoded() -> None:
    assert parse_url("redis://us%3Aer:p%40ss%2F@h").credentials == Credentials("us:er", "p@ss/")
    assert parse_url("redis://:secret@h").credentials == Credentials(None, "secret")
    assert parse_url("redis://h").credentials == Credentials()


def test_database_is_the_path_or_an_option() -> None:
    assert parse_url("redis://h/3").database == 3
    assert parse_url("unix:///s?db=4").database == 4
    assert parse_url("redis+sentinel://h/main?db=5").database == 5


def test_sentinels_have_a_service_and_a_user_of_their_own() -> None:
    url = "redis+sentinel://u:p@a/main?sentinel_username=v&sentinel_password=q%20"
    parsed = parse_url(url)
    assert (parsed.deployment, parsed.service) == (Deployment.SENTINEL, "main")
    assert (parsed.credentials, parsed.sentinel_credentials) == (
        Credentials("u", "p"),
        Credentials("v", "q "),
    )


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("localhost:6379", "begins with redis://"),
        ("http://h", "scheme 'http' is unknown"),
        ("redis+pool://h", "scheme 'redis\\+pool' is unknown"),
        ("unix+cluster:///s", "is unknown"),
        ("redis://", "without a host"),
        ("redis://:6379", "without a host"),
        ("redis://[::1", "without a host"),
        ("redis://[::1]x", "without a host"),
        ("redis://a,b", "several addresses need redis\\+sentinel"),
        ("redis://h:x", "port of h"),
        ("redis://h:0", "port of h"),
        ("redis://h:65536", "port of h"),
        ("redis://h/x", "database of a Redis server is a number"),
        ("redis://h/-1", "database of a Redis server is a number"),
        ("redis+cluster://h/1", "only database 0"),
        ("redis+sentinel://h", "name of the service"),
        ("redis://h?ssl=true", "option 'ssl' is unknown"),
        ("unix://h/s", "absolute path"),
        ("unix://", "absolute path"),
        ("redis://user@h", "user without a password"),
    ],
)
def test_other_urls_are_refused_with_a_sentence(url: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_url(url)


@pytest.mark.parametrize("url", ["http://u:secret@h", "redis://u:secret@h:x", "redis://u:secret@h?a=b"])
def test_messages_do_not_contain_the_password(url: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_url(url)
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(parse_url("redis://u:secret@h"))


@given(st.text(alphabet="redis:/@,?[]%0129+=é", max_size=30))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    for url in (text, "redis://" + text, "redis+sentinel://" + text):
        try:
            assert parse_url(url).addresses
        except ValueError:
            continue
