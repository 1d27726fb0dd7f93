"""Whose address counts, behind proxies that are trusted and others."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from talkwire.identity.address import came_over_tls, client_address, is_forwarded, joined

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
        ("10.0.0.1", "198.51.100.7:5678", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7:5678, 10.2.2.2:443", "198.51.100.7"),
        ("10.0.0.1", "2001:db8::7", "2001:db8::7"),
        ("10.0.0.1", "[2001:db8::7]", "2001:db8::7"),
        ("10.0.0.1", "[2001:db8::7]:5678", "2001:db8::7"),
        ("10.0.0.1", "fe80::7%eth0", "fe80::7"),
        ("10.0.0.1", "[fe80::7%25eth0]:5678", "fe80::7"),
        ("10.0.0.1", "unknown", "unknown"),
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


@pytest.mark.parametrize(
    ("peer", "forwarded_proto", "over_tls"),
    [
        ("10.0.0.1", "https", True),
        ("10.0.0.1", "HTTPS", True),
        ("10.0.0.1", "http, https", True),
        ("10.0.0.1", "https, http", False),
        ("10.0.0.1", None, False),
        ("203.0.113.1", "https", False),
    ],
)
def test_a_trusted_proxys_header_decides_whether_a_request_used_tls(
    peer: str, forwarded_proto: str | None, *, over_tls: bool
) -> None:
    assert came_over_tls("http", peer, forwarded_proto, TRUSTED) is over_tls


@pytest.mark.parametrize("scheme", ["https", "wss"])
@pytest.mark.parametrize(
    ("peer", "forwarded_proto", "over_tls"),
    [
        ("203.0.113.1", None, True),
        ("203.0.113.1", "http", True),
        ("10.0.0.1", None, True),
        ("10.0.0.1", "https", True),
        ("10.0.0.1", "http", False),
    ],
)
def test_the_scheme_decides_unless_a_trusted_proxy_sends_a_header(
    scheme: str, peer: str, forwarded_proto: str | None, *, over_tls: bool
) -> None:
    assert came_over_tls(scheme, peer, forwarded_proto, TRUSTED) is over_tls


def processor_time(work: Callable[[], object]) -> float:
    """The least of several tries."""
    times = []
    for _ in range(5):
        began = time.thread_time()
        work()
        times.append(time.thread_time() - began)
    return min(times)


def test_repeated_headers_cost_as_much_as_there_are() -> None:
    def cost(count: int) -> float:
        fields = [("a", "b" * 20)] * count
        return processor_time(lambda: joined(fields))

    # A quadratic cost would be 64 times as much.
    assert cost(160_000) < 24 * cost(20_000)


def test_only_the_last_addresses_of_a_long_chain_of_proxies_are_read() -> None:
    chain = "198.51.100.7," + ",".join(["10.0.0.1"] * 100)
    assert client_address("10.0.0.1", chain, TRUSTED) == "10.0.0.1"
    assert client_address("10.0.0.1", "198.51.100.7," + ",".join(["10.0.0.1"] * 20), TRUSTED) == "198.51.100.7"
