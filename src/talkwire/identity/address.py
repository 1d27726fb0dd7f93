"""Where a request comes from. A forwarding header is believed only when a proxy that is trusted has sent it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

FORWARDING_HEADERS = ("forwarded", "x-forwarded-for", "x-real-ip", "via")

HOPS_MAX = 32
"""Proxies in a row that are looked at; each costs a comparison with all trusted networks."""


def joined(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Returns headers by name. One that is there twice is one with commas (RFC 9110, 5.3): a proxy may add a line of
    its own behind one that the client has sent, and a reader of the first alone would believe the client."""
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
    """Whether a proxy has had its hands on the request; names in lower case."""
    return any(name in headers for name in FORWARDING_HEADERS)


def is_loopback(address: str) -> bool:
    """Whether an address of a connection is one of this machine's own; `localhost` counts as one."""
    try:
        return address == "localhost" or _unmapped(address).is_loopback
    except ValueError:
        return False


def client_address(peer: str, forwarded_for: str | None, trusted_proxies: frozenset[str]) -> str:
    """Returns the client's address: the last one in `X-Forwarded-For` that is no proxy of ours, else the peer itself.

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
    """Returns an address without its port and zone: some proxies add the port, which differs in each connection."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    return hop.partition("%")[0]


def came_by_tls(scheme: str, peer: str, forwarded_proto: str | None, trusted_proxies: frozenset[str]) -> bool:
    """Returns whether the client's connection was encrypted: as a trusted proxy says (`X-Forwarded-Proto`), else by the
    scheme of the request's ASGI scope. Our own server has no certificate, so its scheme is always `http`."""
    if forwarded_proto is not None and is_trusted(peer, trusted_proxies):
        scheme = forwarded_proto.rpartition(",")[2].strip().lower()
    return scheme in {"https", "wss"}


def is_trusted(address: str, trusted_proxies: frozenset[str]) -> bool:
    """Whether an address is that of a proxy whose forwarding headers are believed."""
    if not trusted_proxies:
        return False
    try:
        parsed = _unmapped(address)
    except ValueError:
        return False
    return any(parsed in network for network in _networks(trusted_proxies))


def _unmapped(address: str) -> IPv4Address | IPv6Address:
    """Returns an address as IPv4 where IPv6 carries it: a socket that listens on :: shows IPv4 peers so. Raises
    ValueError for what is no address."""
    parsed = ip_address(address)
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed


@lru_cache(16)
def _networks(proxies: frozenset[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(proxy, strict=False) for proxy in proxies)
