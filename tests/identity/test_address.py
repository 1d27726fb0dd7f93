"""Whose address counts, behind proxies that are trusted and others."""

from __future__ import annotations

import pytest

from talkwire.identity.address import client_address, is_forwarded, joined

TRUSTED = frozenset({"10.0.0.0/8", "192.0.2.1"})


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("203.0.113.1", None, "203.0.113.1"),
        ("203.0.113.1", "198.51.100.7", "203.0.113.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7, 192.0.2.1, 10.2.2.2", "198.51.100.7"),
        ("10.0.0.1", "10.3.3.3", "10.3.3.3"),
    ],
)
def test_the_last_hop_that_is_no_proxy_of_ours_is_the_client(
    peer: str, forwarded_for: str | None, address: str
) -> None:
    assert client_address(peer, forwarded_for, TRUSTED) == address


def test_a_proxy_that_adds_a_line_of_its_own_has_the_last_word() -> None:
    headers = joined([("x-forwarded-for", "6.6.6.6"), ("host", "h"), ("x-forwarded-for", "198.51.100.7")])
    assert headers == {"x-forwarded-for": "6.6.6.6, 198.51.100.7", "host": "h"}
    assert client_address("10.0.0.1", headers["x-forwarded-for"], TRUSTED) == "198.51.100.7"
    assert is_forwarded(headers)
