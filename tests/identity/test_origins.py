"""Which pages may talk to a server, and by which names it is reached."""

from __future__ import annotations

import pytest

from talkwire.identity.origins import OriginPolicy


@pytest.mark.parametrize(
    ("origin", "by_tls", "allowed"),
    [
        ("https://chat.example", True, True),
        ("http://chat.example", True, False),
        ("http://chat.example", False, True),
        ("https://chat.example", False, True),
        ("https://evil.example", True, False),
        (None, True, True),
    ],
)
def test_a_page_that_came_unencrypted_is_not_of_an_encrypted_site(
    origin: str | None, *, by_tls: bool, allowed: bool
) -> None:
    assert OriginPolicy().allows(origin, "chat.example", by_tls=by_tls) is allowed


def test_origins_that_are_named_count_as_they_are() -> None:
    assert OriginPolicy(["http://chat.example"]).allows("http://chat.example", "chat.example", by_tls=True)


LOOPBACK_NAMES = [
    *("localhost", "LOCALHOST:3000", "localhost.:3000", "app.localhost:3000", "127.0.0.1:3000", "127.9.9.9", "[::1]:3"),
    "",
]


@pytest.mark.parametrize("host", LOOPBACK_NAMES)
def test_names_of_this_machine_are_served_during_development(host: str) -> None:
    assert OriginPolicy(loopback_only=True).serves(host)


@pytest.mark.parametrize(
    "host",
    ["evil.example:3000", "localhost.evil.example", "evillocalhost", "10.0.0.1", "0.0.0.0", "[::]:3000", "[", "1@evil"],
)
def test_other_names_are_not_served_during_development(host: str) -> None:
    assert not OriginPolicy(loopback_only=True).serves(host)
    assert OriginPolicy().serves(host)
