"""Where a request comes from. A forwarding header is believed only when a proxy that is trusted has sent it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv6Address, ip_address, ip_network

FORWARDING_HEADERS = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


def joined(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers by name. One that is there twice is one with commas (RFC 9110, 5.3): a proxy may add a line of its own
    behind one that the client has sent, and whoever looked at the first alone would believe the client."""
    headers: dict[str, str] = {}
    for name, value in fields:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def is_forwarded(headers: Mapping[str, str]) -> bool:
    """Whether a proxy has had its hands on the request; names in lower case."""
    return any(name in headers for name in FORWARDING_HEADERS)


def client_address(peer: str, forwarded_for: str | None, trusted_proxies: frozenset[str]) -> str:
    """The client's address: the last one in `X-Forwarded-For` that is no proxy of ours, else the peer itself.

    `trusted_proxies` holds addresses and networks (`10.0.0.0/8`).
    """
    if forwarded_for is None or not _is_trusted(peer, trusted_proxies):
        return peer
    address = peer
    for hop in reversed(forwarded_for.split(",")):
        address = hop.strip()
        if not _is_trusted(address, trusted_proxies):
            return address
    return address


def _is_trusted(address: str, trusted_proxies: frozenset[str]) -> bool:
    if not trusted_proxies:
        return False
    try:
        parsed = ip_address(address)
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped  # as a socket that listens on :: shows IPv4 peers
        return any(parsed in ip_network(proxy, strict=False) for proxy in trusted_proxies)
    except ValueError:
        return False
