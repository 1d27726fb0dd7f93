"""Finds the address that a request comes from. Believes a forwarding header only if a trusted proxy has sent it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

FORWARDING_HEADERS = ("forwarded", "x-forwarded-for", "x-real-ip", "via")

HOPS_MAX = 32
"""Proxies in a row that are examined; each is compared with all trusted networks."""


def joined(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Returns headers by name. Joins repeated ones with commas (RFC 9110, section 5.3).

    A proxy may add a line of its own behind one that the client has sent; reading the first alone would mean to believe
    the client.
    """
    headers: dict[str, str] = {}
    repeated: dict[str, list[str]] = {}
    for name, value in fields:
        if name in headers:
            repeated.setdefault(name, [headers[name]]).append(value)
        else:
            headers[name] = value
    for name, values in repeated.items():
        headers[name] = ", ".join(values)
    return headers


def is_forwarded(headers: Mapping[str, str]) -> bool:
    """Returns whether a proxy has forwarded the request. Names are in lower case."""
    return any(name in headers for name in FORWARDING_HEADERS)


def is_loopback(address: str) -> bool:
    """Returns whether a connection's address is one of this machine's own; `localhost` counts as one."""
    try:
        return address == "localhost" or _unmapped(address).is_loopback
    except ValueError:
        return False


def client_address(peer: str, forwarded_for: str | None, trusted_proxies: frozenset[str]) -> str:
    """Returns the client's address: the last one in `X-Forwarded-For` that is not a trusted proxy, else `peer`.

    `trusted_proxies` holds addresses and networks (`10.0.0.0/8`).
    """
    if forwarded_for is None or not is_trusted(peer, trusted_proxies):
        return peer
    address = peer
    for hop in reversed(forwarded_for.rsplit(",", HOPS_MAX)[-HOPS_MAX:]):
        address = _bare(hop.strip())
        if not is_trusted(address, trusted_proxies):
            return address
    return address


def _bare(hop: str) -> str:
    """Returns an address without port and zone: some proxies add the port, which differs for each connection."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    return hop.partition("%")[0]


def came_over_tls(scheme: str, peer: str, forwarded_proto: str | None, trusted_proxies: frozenset[str]) -> bool:
    """Returns whether the client's connection used TLS: what a trusted proxy says (`X-Forwarded-Proto`), else by the
    scheme of the ASGI scope.

    Talkwire's own server has no certificate, so there the scheme is always `http`.
    """
    if forwarded_proto is not None and is_trusted(peer, trusted_proxies):
        scheme = forwarded_proto.rpartition(",")[2].strip().lower()
    return scheme in {"https", "wss"}


def is_trusted(address: str, trusted_proxies: frozenset[str]) -> bool:
    """Returns whether an address is that of a trusted proxy."""
    if not trusted_proxies:
        return False
    try:
        parsed = _unmapped(address)
    except ValueError:
        return False
    return any(parsed in network for network in _networks(trusted_proxies))


def _unmapped(address: str) -> IPv4Address | IPv6Address:
    """Returns an address, as IPv4 if it is mapped into IPv6: a socket that listens on :: reports IPv4 peers so.

    Raises ValueError for an invalid address.
    """
    parsed = ip_address(address)
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed


@lru_cache(16)
def _networks(proxies: frozenset[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(proxy, strict=False) for proxy in proxies)
